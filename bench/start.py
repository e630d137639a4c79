"""From exec to the first answer, against a bare aiohttp server."""

from __future__ import annotations

import sys
import time

from bench import servers
from bench.answers import SHORT
from bench.figures import Row, median, ratio, say
from bench.programs import HERE


def start(rounds: int) -> None:
    commands = {"streamproof": ["-m", "mockserver", "serve", "--port"], "bare aiohttp": [str(HERE / "bare.py")]}
    rows: list[Row] = [{name: _milliseconds(command) for name, command in commands.items()} for _ in range(rounds)]
    each = " and ".join(f"{median(rows, name):.0f} ms" for name in commands)
    say("first answer", f"{ratio(rows, *commands)}: {each}")


def _milliseconds(command: list[str]) -> float:
    port = servers.free_port()
    began = time.perf_counter()
    with servers.running(sys.executable, *command, str(port)):
        while not _answers(port):
            time.sleep(0.002)
        return (time.perf_counter() - began) * 1000


def _answers(port: int) -> bool:
    try:
        return b"[DONE]" in servers.captured(servers.Server("", 0, port), SHORT)
    except OSError:
        return False
