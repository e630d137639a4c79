"""Clients that do nothing, lie, crash or hang pass nothing and end with the right exit code in time."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
import time
from pathlib import Path

import pytest

from conformance import case
from conformance.engine import Engine, Results, exit_of
from conformance.process import Process
from conformance.verdict import ADAPTER_BROKEN, TOO_LITTLE, Verdict

HELLO = {"type": "hello", "protocol": 1, "name": "null", "version": "0", "transports": ["sse", "ws"], "controls": [], "retry": "none"}
SAY_HELLO = f"print({json.dumps(json.dumps(HELLO))}, flush=True)"
RUNS = "import sys, json\nfor line in sys.stdin:\n    m = json.loads(line)\n"

CLIENTS = {
    "does nothing": ("import sys\nsys.stdin.read()", ADAPTER_BROKEN),
    "exits at once": ("", ADAPTER_BROKEN),
    "exits with an error": ("raise SystemExit(7)", ADAPTER_BROKEN),
    "hangs": ("import time\ntime.sleep(60)", ADAPTER_BROKEN),
    "writes garbage": ("print('\\x00 not json', flush=True)\nimport time\ntime.sleep(60)", ADAPTER_BROKEN),
    "says hello only": (f"{SAY_HELLO}\nimport sys\nsys.stdin.read()", TOO_LITTLE),
    "says hello and exits": (SAY_HELLO, ADAPTER_BROKEN),
    "says hello and hangs": (f"{SAY_HELLO}\nimport time\ntime.sleep(60)", TOO_LITTLE),
    "echoes its input": ("import sys\nfor line in sys.stdin: print(line, end='', flush=True)", ADAPTER_BROKEN),
    "claims success without connecting": (
        f"{SAY_HELLO}\n{RUNS}"
        "    if m['type'] == 'run': print(json.dumps({'type': 'result', 'run': m['run'], 'outcome': 'ok', 'text': 'Hello, wörld 👋',"
        " 'finish_reason': 'stop'}), flush=True)",
        TOO_LITTLE,
    ),
    "connects and reports nothing": (
        f"{SAY_HELLO}\n{RUNS}"
        "    if m['type'] == 'run':\n"
        "        import urllib.request\n"
        "        head = {'Authorization': 'Bearer ' + m['api_key'], 'Content-Type': 'application/json'}\n"
        "        body = json.dumps(m['request']).encode()\n"
        "        urllib.request.urlopen(urllib.request.Request(m['base_url'] + '/chat/completions', body, head)).read()\n",
        ADAPTER_BROKEN,
    ),
    "breaks the protocol in its result": (
        f"{SAY_HELLO}\n{RUNS}"
        "    if m['type'] == 'run': print(json.dumps({'type': 'result', 'run': m['run'], 'outcome': 'fine'}), flush=True)",
        ADAPTER_BROKEN,
    ),
}


async def _run(command: str) -> tuple[Results, float]:
    began = time.monotonic()
    results = await Engine(Process(command)).run(case.corpus(case.CASES / "L0"))
    return results, time.monotonic() - began


@pytest.mark.parametrize("name", CLIENTS)
async def test_a_null_client_passes_nothing(name: str, tmp_path: Path) -> None:
    source, code = CLIENTS[name]
    script = tmp_path / "client.py"
    script.write_text(source, encoding="utf-8")
    results, seconds = await _run(f"{shlex.quote(sys.executable)} {shlex.quote(str(script))}")
    final = exit_of(results)
    assert final.code == code, final.reason
    levels_passed = [result for result in results.cases if result.verdict is Verdict.PASS]
    assert levels_passed == []
    assert seconds < 30


async def test_a_command_that_does_not_exist_is_a_broken_adapter() -> None:
    results, _ = await _run("/nonexistent/client --flag")
    assert exit_of(results).code == ADAPTER_BROKEN
    assert "/nonexistent/client" in exit_of(results).reason


async def test_no_child_of_a_hanging_client_outlives_the_run(tmp_path: Path) -> None:
    child = tmp_path / "child.pid"
    script = tmp_path / "client.sh"
    script.write_text(f"#!/bin/sh\nsleep 300 &\necho $! > {child}\necho '{json.dumps(HELLO)}'\nsleep 300\n", encoding="utf-8")
    script.chmod(0o755)
    await _run(str(script))
    await asyncio.sleep(0.1)
    assert _gone(int(child.read_text()))


def _gone(pid: int) -> bool:
    """No such process, or one that waits only for its parent to look."""
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z"
