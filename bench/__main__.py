"""Speed, as ratios measured in one run: this server against the npm rival and a C control, interleaved on this machine.

    make bench ARGS='[--rounds 5] [--only NAME]…'

Figures are medians of per-round ratios; server and load generator are pinned to different cores. docs/bench.md says what each is.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from bench.answers import file_flag, requests_of, unpaced, websocket, with_and_without, workers
from bench.held import held
from bench.paced import Pace, paced
from bench.start import start

PARTS: dict[str, Callable[[int], None]] = {
    "64": lambda rounds: unpaced(rounds, 64, 6000),
    "1024": lambda rounds: unpaced(rounds, 1024, 800),
    "short": lambda rounds: requests_of(rounds, 0, 4000),
    "8k": lambda rounds: requests_of(rounds, 8_000, 4000),
    "100k": lambda rounds: requests_of(rounds, 100_000, 1000),
    "ws": lambda rounds: websocket(rounds, 64, 6000),
    "ws-1024": lambda rounds: websocket(rounds, 1024, 800),
    "workers": workers,
    "tls": lambda rounds: with_and_without(rounds, "TLS", "--tls", "self-signed"),
    "journal": lambda rounds: file_flag(rounds, "a journal file", "--journal", ".jsonl"),
    "report": lambda rounds: file_flag(rounds, "a load report", "--report", ".json"),
    "paced": lambda rounds: paced(rounds, Pace(1000, 50, 250)),
    "paced-2000": lambda rounds: paced(rounds, Pace(2000, 50, 250)),
    "paced-fast": lambda rounds: paced(rounds, Pace(200, 1000, 3000)),
    "idle": lambda _: held(),
    "start": start,
}


@click.command(help=__doc__)
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1), help="Rounds of each comparison.")
@click.option("--only", multiple=True, type=click.Choice(list(PARTS)), help="Only this part; may be given several times.")
def main(rounds: int, only: tuple[str, ...]) -> None:
    click.echo("; ".join(machine()))
    for name in only or PARTS:
        PARTS[name](rounds)


def machine() -> Iterator[str]:
    """What it is measured on."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    yield f"{len(models)} × {models[0] if models else 'a core'}, Python {sys.version.split()[0]}"
    yield f"node {subprocess.run(['node', '--version'], capture_output=True, text=True, check=False).stdout.strip()}"


main()
