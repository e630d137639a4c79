"""Whether the server's memory stays flat: streams under chaos, by clients that leave, reset and stall.

    python -m bench.soak [--seconds 1800] [--streams 500]

Resident memory is looked at all the time and drawn at the end. It is flat when its slope after the warm-up, by which every bounded
store is full, would not have added more than a bound. Exits with 1 where it grew, or where something stays when all have left.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, count
from pathlib import Path
from typing import Any

import click

from bench import servers
from bench.load import resident_kib
from bench.visits import MUCH, Visit, slow_websocket

CHAOS = ("reset-mid-stream:0.04", "stall-mid-event:0.04", "hang-up-after-finish:0.04", "once-overloaded:0.04", "error-mid-stream:0.04")
PACE = "ttft=0.2,tps=8"
RAMP_SECONDS = 5.0
GREEDY, GREEDY_SECONDS = 40, 15.0
"""So many ask for very much at the beginning, in this time, by which the plans that a journal keeps weigh as much as they may before
memory is judged, be it for a minute only."""
WARM_UP_SHARE, WARM_UP_SECONDS = 0.5, 300.0
"""The warm-up is this share of the time, and at most so long."""
MOST_MIB, MOST_SHARE = 8.0, 0.08
"""What memory may grow by after the warm-up: the larger one of MiB and a share of what it was."""
MOST_LOOKS = 300
LEFT_SECONDS = 90.0
"""By when everything has left: a client that was closed while its answer is stalled is known to its kernel for another minute (tcp(7),
tcp_fin_timeout)."""


@dataclass(frozen=True)
class Look:
    """Memory at a time, in seconds since the start and MiB."""

    at: float
    mib: float


@dataclass(frozen=True)
class Verdict:
    """`growth` is what the slope added in `seconds` after the warm-up, `most` what it may."""

    begun: float
    growth: float
    most: float
    seconds: float

    @property
    def flat(self) -> bool:
        return self.growth <= self.most

    def __str__(self) -> str:
        grown = f"{self.growth:+.1f} MiB in {self.seconds:.0f} s after the warm-up, from {self.begun:.1f} MiB"
        return f"{'flat' if self.flat else 'growing'}: {grown} (bound: {self.most:.1f} MiB)"


def judge(looks: list[Look], warm_up: float) -> Verdict:
    """By the median of the slopes between any two looks after the warm-up (Theil and Sen), which single peaks do not move."""
    judged = [look for look in looks if look.at >= warm_up]
    seconds = judged[-1].at - judged[0].at
    slope = statistics.median((later.mib - look.mib) / (later.at - look.at) for look, later in combinations(judged, 2))
    begun = statistics.median(look.mib for look in judged) - slope * seconds / 2
    return Verdict(begun, slope * seconds, max(MOST_MIB, MOST_SHARE * begun), seconds)


def drawn(looks: list[Look], warm_up: float, *, width: int = 72, height: int = 10) -> str:
    """Memory over time as text, from 0 up; the warm-up is marked below."""
    last, top = looks[-1].at or 1.0, max(look.mib for look in looks)
    columns = [[look.mib for look in looks if int(look.at / last * (width - 1)) == column] for column in range(width)]
    heights = [max(column) / top * height if column else 0.0 for column in columns]
    lines = []
    for row in range(height, 0, -1):
        cells = "".join(" ▁▂▃▄▅▆▇█"[max(0, min(8, round((high - row + 1) * 8)))] for high in heights)
        lines.append(f"{top * row / height:7.1f} MiB │{cells}")
    warm = int(warm_up / last * (width - 1))
    lines.append(f"{'':11} └{'┄' * warm}{'─' * (width - warm)}")
    lines.append(f"{'':13}{'warm-up'[:warm]:<{warm}}{f'{last:.0f} s':>{width - warm}}")
    return "\n".join(lines)


@click.command(help=__doc__)
@click.option("--seconds", default=1800.0, show_default=True, type=click.FloatRange(10), help="How long.")
@click.option("--streams", default=500, show_default=True, type=click.IntRange(1), help="How many clients at once.")
def main(seconds: float, streams: int) -> None:
    looks, report, left = asyncio.run(soak(seconds, streams))
    total, warm_up = report["total"], warm_up_of(seconds)
    verdict = judge(looks, warm_up)
    click.echo(drawn(looks, warm_up))
    counts = ", ".join(f"{total[name]:,} {name}" for name in ("answered", "errors", "broken", "aborted", "slow"))
    click.echo(f"{total['requests']:,} requests ({total['requests'] / seconds:.0f} a second): {counts}")
    click.echo(f"left when all had gone: {left or 'nothing'}")
    click.echo(str(verdict))
    sys.exit(0 if verdict.flat and not left else 1)


def warm_up_of(seconds: float) -> float:
    return min(seconds * WARM_UP_SHARE, WARM_UP_SECONDS)


async def soak(seconds: float, streams: int) -> tuple[list[Look], Any, str]:
    """What memory was, the server's own report of the load, and what stayed when all clients had left."""
    with tempfile.TemporaryDirectory() as folder:
        flags = ["--report", f"{folder}/load.json", "--pace", PACE, *(part for chaos in CHAOS for part in ("--chaos", chaos))]
        with servers.ours(1, 0.0, *flags) as server:
            files = open_files(server.pid)
            looks = await _load(server, streams, seconds)
            return looks, await _get(server.port, "/_mock/load"), await _left(server, files)


async def _load(server: servers.Server, streams: int, seconds: float) -> list[Look]:
    much = servers.post(server.port, "/_mock/sessions", MUCH)["key"]
    visits = (Visit(server.port, number, much) for number in count())
    clients = [asyncio.create_task(_client(visits, RAMP_SECONDS * n / streams)) for n in range(streams)]
    clients += [asyncio.create_task(_greedy(Visit(server.port, n, much), GREEDY_SECONDS * n / GREEDY)) for n in range(GREEDY)]
    began = time.monotonic()
    looks = []
    while (passed := time.monotonic() - began) < seconds:
        looks.append(Look(passed, resident_kib(server.pid) / 1024))
        await asyncio.sleep(max(0.5, seconds / MOST_LOOKS))
        for client in clients:
            if client.done():
                client.result()  # One that failed would be less load than is told.
    for client in clients:
        client.cancel()
    await asyncio.gather(*clients, return_exceptions=True)
    return looks


async def _client(visits: Iterator[Visit], after: float) -> None:
    """One visit after the other."""
    await asyncio.sleep(after)
    for visit in visits:
        await visit.make()


async def _greedy(visit: Visit, after: float) -> None:
    """One visit, of the kind that asks for very much."""
    await asyncio.sleep(after)
    await visit.make(slow_websocket)


async def _left(server: servers.Server, files: int) -> str:
    """What does not go away: answers, open files."""
    deadline = time.monotonic() + LEFT_SECONDS
    while True:
        answers, more = (await _get(server.port, "/health"))["connections"], open_files(server.pid) - files
        if not answers and more <= 0:
            return ""
        if time.monotonic() > deadline:
            return f"{answers} answers and {more} open files"
        await asyncio.sleep(0.5)


async def _get(port: int, path: str) -> Any:
    def get() -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=LEFT_SECONDS) as response:
            return json.load(response)

    return await asyncio.to_thread(get)


def open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


if __name__ == "__main__":
    main()
