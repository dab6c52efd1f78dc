#!/usr/bin/env python3
"""Test both APIs against their OpenAPI documents: `run.py [--examples N] [--seed N | --random] [SERVICE ...]`.

Starts the platform with an empty database (`make build` has to have built it), and lets schemathesis send what fits the
documents and what does not, by itself and in sequences. What it checks, and what it is told to pass over and why, is in
`schemathesis.toml`. Without options it does the same each time, in about three minutes; by hand, `--examples 500 --random`
looks further.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PLATFORM = ROOT / "target/debug/platform"
TOOL = ROOT / ".dev/schemathesis"
# Below it, `platform` removes what a killed one has left behind.
SCRATCH = ROOT / ".dev/scratch"
SERVICES = {"transaction-svc": "transaction_svc", "notification-svc": "notification_svc"}
SCOPES = ("accounts:read accounts:write accounts:any accounts:unlimited transactions:read transactions:write "
          "transactions:any notifications:read notifications:write notifications:any webhooks:manage ops:read ops:replay")
START_SECONDS = 300


def main() -> int:
    options = arguments()
    install = [sys.executable, ROOT / "tools/install_wheels.py", HERE / "schemathesis.lock", TOOL]
    subprocess.run(install, check=True)
    data = SCRATCH / f"schemathesis-{os.getpid()}"
    data.mkdir(parents=True)
    with open(data / "platform.log", "w") as log:
        platform = subprocess.Popen([PLATFORM, "run", "--no-demo", "--data-dir", data], stdout=log, stderr=log)
    try:
        record = ready(platform, data)
        token = subprocess.run([PLATFORM, "token", "--sub", "tester", "--scope", SCOPES, "--data-dir", data],
                               check=True, capture_output=True, text=True).stdout.strip()
        failed = [service for service in options.services
                  if examine(service, record[SERVICES[service]][0]["url"], token, options) != 0]
    finally:
        platform.send_signal(signal.SIGINT)
        platform.wait()
    shutil.rmtree(data)
    if failed:
        print(f"schemathesis found something in {' and '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Tests both APIs against their OpenAPI documents.")
    parser.add_argument("services", nargs="*", metavar="SERVICE", help=" or ".join(SERVICES))
    parser.add_argument("--examples", type=int, default=8, metavar="N", help="per operation and phase (8)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of all that is random (1)")
    parser.add_argument("--random", action="store_true", help="another seed each time; it is printed")
    options = parser.parse_args()
    options.services = options.services or list(SERVICES)
    if unknown := set(options.services) - set(SERVICES):
        parser.error(f"no such service: {', '.join(unknown)}")
    if options.random:
        options.seed = random.randrange(2**32)
    return options


def ready(platform: subprocess.Popen, data: pathlib.Path) -> dict:
    """Waits for the record that the platform writes once everything answers."""
    until = time.monotonic() + START_SECONDS
    while not (data / "platform.json").exists():
        if platform.poll() is not None or time.monotonic() > until:
            sys.exit(f"The platform did not start: {(data / 'platform.log').read_text()}")
        time.sleep(0.1)
    return json.loads((data / "platform.json").read_text())


def examine(service: str, url: str, token: str, options: argparse.Namespace) -> int:
    print(f"\n== {service}, {options.examples} examples, seed {options.seed}", flush=True)
    program = "import schemathesis.cli; schemathesis.cli.schemathesis()"
    command = [sys.executable, "-c", program, "--config-file", HERE / "schemathesis.toml",
               "run", ROOT / service / "openapi.json", "--url", url,
               "--max-examples", str(options.examples), "--seed", str(options.seed)]
    environment = {**os.environ, "PYTHONPATH": str(TOOL), "API_TOKEN": token}
    return subprocess.run(command, env=environment, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
