"""The matrix of clients in docs/matrix: every adapter, installed if need be, through the whole corpus, and every gateway that has a
name through what a gateway is asked.

    tools/matrix.py             all of them; the reports are kept, so that one can be run again alone
    tools/matrix.py NAME…       these anew, beside the kept reports of the others

One whose toolchain is absent, or that cannot be installed, is told in a line and left out.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from conformance import clients, gateway, packages

ROOT = Path(__file__).parent.parent
MATRIX = ROOT / "docs" / "matrix"
REPORTS = ROOT / ".cache" / "matrix"
PROGRAM = (sys.executable, "-m", "mockserver")


def checked(name: str, report: Path) -> None:
    """Run one client or gateway; the last line that is printed is shown."""
    option = "--gateway" if name in gateway.named() else "--client"
    words = [*PROGRAM, "check", option, name, "--json", str(report)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    print(f"{name}: {(done.stdout.strip() or done.stderr.strip()).splitlines()[-1]}", flush=True)


def installed(name: str) -> None:
    """Raises NotInstalled."""
    if name in gateway.named():
        gateway.gateway(name, print)
    else:
        clients.command(name, print)


def ran(names: Sequence[str]) -> None:
    for name in names:
        try:
            installed(name)
        except packages.NotInstalled as absent:
            print(f"{name}: left out: {absent}", flush=True)
            continue
        checked(name, REPORTS / f"{name}.json")


def main(names: Sequence[str]) -> int:
    REPORTS.mkdir(parents=True, exist_ok=True)
    MATRIX.mkdir(parents=True, exist_ok=True)
    everyone = [*clients.adapters(), *gateway.named()]
    ran(names or everyone)
    files = {"--json": "matrix.json", "--markdown": "README.md", "--html": "index.html"}
    reports = [str(REPORTS / f"{name}.json") for name in everyone if (REPORTS / f"{name}.json").exists()]
    options = [word for option, file in files.items() for word in (option, str(MATRIX / file))]
    return subprocess.run([*PROGRAM, "merge", *reports, *options], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
