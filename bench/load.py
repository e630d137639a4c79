"""The load generator: runs it pinned to a core of its own and reads its one line of figures."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from bench.programs import BUILD, build
from bench.servers import KEY, LOAD_CORE, Server, pinned


def load(server: Server, body: bytes, *options: str) -> dict[str, Any]:
    """Run the generator against a server; its figures."""
    file = BUILD / "body.json"
    program = build("loadgen-tls" if server.tls else "loadgen")
    file.write_bytes(body)
    target = ("-p", str(server.port), "-u", server.path, "-b", str(file), "-P", server.pids, "-x", f"Authorization: Bearer {KEY}")
    done = subprocess.run(pinned(LOAD_CORE, str(program), *target, *options), capture_output=True, text=True, check=True)
    figures: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


def holding(server: Server, body: bytes, count: int, mode: str, path: str | None = None) -> tuple[subprocess.Popen[str], int, int]:
    """Open `count` streams that stay open; the generator, how many are held, how many failed."""
    file, program = BUILD / "body.json", build("loadgen")
    file.write_bytes(body)
    command = pinned(
        LOAD_CORE, str(program), "-p", str(server.port), "-u", path or server.path, "-b", str(file), "-m", mode,
        "-c", str(count), "-t", "60", "-s", "0.1", "-x", f"Authorization: Bearer {KEY}",
    )  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    return process, told["held"], told["fail"]


def resident_kib(pid: int) -> int:
    """VmRSS of one process."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])
