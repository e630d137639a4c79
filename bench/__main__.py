"""Speed, as ratios measured in one run: this server against the npm rival and a C control, interleaved on this machine.

    python bench [--rounds 5] [--only NAME]

Figures are medians of per-round ratios. Rates are per CPU second of the server's process, which neighbours on a shared
machine disturb less than wall time; server and load generator are pinned to different cores.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import load
import servers

SHORT = json.dumps({"model": "gpt-4.1", "stream": True, "messages": [{"role": "user", "content": "Say something."}]}).encode()
GAP_MS = 20.0


def long_request() -> bytes:
    """About 8 KB: twelve messages and five tools."""
    tool = {
        "type": "object",
        "properties": {f"field_{n}": {"type": "string", "description": "A field of the record. " * 2} for n in range(8)},
    }
    tools = [{"type": "function", "function": {"name": f"tool_{n}", "description": "Does a thing.", "parameters": tool}} for n in range(5)]
    messages = [{"role": ("user", "assistant")[n % 2], "content": "Words of an earlier turn. " * 14} for n in range(11)]
    body = {"model": "gpt-4.1", "stream": True, "messages": [*messages, {"role": "user", "content": "Go on."}], "tools": tools}
    return json.dumps(body).encode()


def medians(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(row[name] for row in rows) for name in rows[0]}


def unpaced(name: str, chunks: int, body: bytes, requests: int, rounds: int, with_control: bool = True) -> None:
    """Whole answers with no delay, over kept connections."""
    options = ("-c", "32" if chunks < 200 else "16", "-e", str(chunks + 3))
    with ExitStack() as stack:
        own = stack.enter_context(servers.ours(chunks))
        other = stack.enter_context(servers.rival(chunks))
        limit = [stack.enter_context(servers.control(servers.captured(own, body)))] if with_control else []
        rows = []
        for _ in range(rounds):
            row = {}
            for server in (own, other, *limit):
                count = requests * 8 if server in limit else requests
                figures = load.load(server, body, "-r", str(count), *options)
                if figures["fail"]:
                    raise RuntimeError(f"{server.name}: {figures['fail']} of {requests} answers were not right: {figures}")
                row[server.name] = figures["rps_per_cpu"]
            row["ratio"] = row[own.name] / row[other.name]
            row["of the limit"] = row[own.name] / row[limit[0].name] if limit else 0.0
            rows.append(row)
    middle = medians(rows)
    spread = f"{min(row['ratio'] for row in rows):.2f} to {max(row['ratio'] for row in rows):.2f}"
    of_limit = f", {middle['of the limit']:.1%} of the C control" if with_control else ""
    told = ", ".join(f"{key} {value:,.0f}" for key, value in middle.items() if key not in ("ratio", "of the limit"))
    say(name, f"{middle['ratio']:.2f} × aimock ({spread}){of_limit}; answers per CPU second: {told}")


def paced(rounds: int, streams: int = 1000, tokens: int = 250) -> None:
    """Many streams at 50 tokens per second: the rate that was kept, and lateness against an absolute schedule."""
    for name, open_server, lead, tail in (("streamproof", servers.ours, 1, 2), ("aimock", servers.rival, 0, 1)):
        rows = []
        for _ in range(min(rounds, 2)):
            with open_server(tokens, 1000 / GAP_MS) as server:
                options = ("-c", str(streams), "-r", str(streams), "-s", "1", "-g", str(GAP_MS), "-L", str(lead), "-T", str(tail))
                figures = load.load(server, SHORT, *options, "-e", str(tokens + 3))
            planned = GAP_MS * (tokens - 1 if name == "streamproof" else tokens + 1)
            rate = planned / (planned + figures["drift_mean"]) if figures["drift_mean"] is not None else 0.0
            rows.append({"rate": rate, "late": figures["late_p99"], "gap": figures["gaperr_p99"], "fail": figures["fail"]})
        middle = medians(rows)
        say(
            f"{streams} streams at 50 tokens/s, {name}",
            f"{middle['rate']:.2%} of the rate, lateness p99 {middle['late']:.1f} ms, gap error p99 {middle['gap']:.1f} ms",
        )


def idle(count: int = 10_000) -> None:
    """Memory of what is open and idle: SSE streams that have stalled, WebSockets that have had their answer."""
    short = {"answer": {"content": ["a", "b"]}}
    for name, mode, path, turn in (
        ("stalled SSE streams", "hold", None, {**short, "faults": [{"stall": {"at": "content:1"}}]}),
        ("answered WebSockets", "wshold", "/v1/ws/chat", short),
    ):
        with servers.ours(1) as server:
            base = f"/s/{servers.post(server.port, '/_mock/sessions', {'turns': [turn]})['key']}"
            before = load.resident_kib(server.pid)
            process, held, failed = load.holding(server, SHORT, count, mode, base + (path or "/v1/chat/completions"))
            after = load.resident_kib(server.pid)
            process.kill()
            say(
                f"{held} {name}",
                f"{(after - before) / max(held, 1):.1f} KiB each above a base of {before // 1024} MiB, {failed} failed",
            )


def start_up(rounds: int) -> None:
    """From exec to the first answer, against a bare aiohttp server."""
    rows = []
    for _ in range(rounds):
        row = {}
        for name, command in (("bare aiohttp", [str(servers.HERE / "bare.py")]), ("streamproof", ["-m", "mockserver", "serve", "--port"])):
            port = servers.free_port()
            began = time.perf_counter()
            with servers.running(sys.executable, *command, str(port)):
                while not _answers(port):
                    time.sleep(0.002)
                row[name] = (time.perf_counter() - began) * 1000
        row["ratio"] = row["streamproof"] / row["bare aiohttp"]
        rows.append(row)
    middle = medians(rows)
    say(
        "first answer",
        f"{middle['ratio']:.2f} × a bare aiohttp server ({middle['streamproof']:.0f} ms and {middle['bare aiohttp']:.0f} ms)",
    )


def _answers(port: int) -> bool:
    try:
        return b"[DONE]" in servers.captured(servers.Server("", 0, port), SHORT)
    except OSError:
        return False


def say(what: str, figures: str) -> None:
    click.echo(f"{what:<42} {figures}")


def machine() -> Iterator[str]:
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        "",
    )
    yield f"{cpu}, Python {sys.version.split()[0]}"
    yield f"node {subprocess.run(['node', '--version'], capture_output=True, text=True, check=False).stdout.strip()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", help="one of: 64, 1024, 8k, paced, idle, start")
    asked = parser.parse_args()
    load.build()
    click.echo("; ".join(machine()))
    parts: dict[str, Callable[[], Any]] = {
        "64": lambda: unpaced("64 chunks, unpaced", 64, SHORT, 6000, asked.rounds),
        "1024": lambda: unpaced("1,024 chunks, unpaced", 1024, SHORT, 800, asked.rounds),
        "8k": lambda: unpaced("64 chunks, request of 8 KB with tools", 64, long_request(), 4000, asked.rounds, with_control=False),
        "paced": lambda: paced(asked.rounds),
        "idle": idle,
        "start": lambda: start_up(asked.rounds),
    }
    for name, part in parts.items():
        if asked.only in (None, name):
            part()


main()
