"""Adapters that say the right things oddly are understood; those that break the protocol are told apart from a kit that is broken."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shlex
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from conformance import case
from conformance.adapter import AdapterBroken, read_line
from conformance.engine import Engine, exit_of
from conformance.one_shot import OneShot
from conformance.process import Process
from conformance.verdict import ADAPTER_BROKEN, TOO_LITTLE

HELLO = {"type": "hello", "protocol": 1, "name": "odd", "transports": ["sse"], "retry": "none"}
ANSWERS = f"""
import json, os, subprocess, sys, time
def say(line): print(json.dumps(line), flush=True)
def result(run): say({{"type": "result", "run": run["run"], "outcome": "ok"}})
def runs():
    for line in sys.stdin:
        told = json.loads(line)
        if told["type"] == "hello": say({HELLO!r})
        if told["type"] == "run": yield told
def child(**how):
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"], **how).pid
"""
RUN = {"transport": "sse", "base_url": "http://127.0.0.1:9/v1", "api_key": "any", "request": {}}


def command(tmp_path: Path, source: str) -> str:
    script = tmp_path / "adapter.py"
    script.write_text(ANSWERS + source, encoding="utf-8")
    return shlex.join([sys.executable, str(script)])


@pytest.mark.parametrize(
    "raw",
    [
        b'{"type":"delta","run":"r1","text":"Hi"}\r\n',
        b' \t{"type":"delta","run":"r1","text":"Hi"} \n',
        b'\xef\xbb\xbf{"type":"delta","run":"r1","text":"Hi"}\n',
        b'{"type":"delta","run":"r1","text":"Hi","extra":{"a":[null]}}\n',
    ],
)
def test_a_line_may_be_said_oddly(raw: bytes) -> None:
    assert read_line(raw)["text"] == "Hi"


@pytest.mark.parametrize(
    "raw",
    [
        b'{"type":"log","took":NaN}',
        b'{"type":"log","took":-Infinity}',
        b'{"type":"log","text":"\xed\xa0\x80"}',
        b'{"type":"log","text":"\xff"}',
        b'{"type":"log","deep":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        *(b'{"type":"delta","run":"r1","text_b64":"%s"}' % text for text in (b"SGVsb", b"SG", b"SGVsbA=", b"SGVsbG8==")),
    ],
)
def test_a_line_that_nobody_could_write_down_breaks_the_protocol(raw: bytes) -> None:
    with pytest.raises(AdapterBroken):
        read_line(raw)


@pytest.mark.parametrize("text", ["", "a", "ab", "abc", "Hé 👋"])
def test_any_text_may_come_in_base64(text: str) -> None:
    coded = base64.b64encode(text.encode()).decode()
    assert read_line(json.dumps({"type": "delta", "run": "r1", "text_b64": coded}).encode())["text_b64"] == coded


async def test_a_child_that_holds_the_output_of_a_crashed_adapter_holds_up_nothing(tmp_path: Path) -> None:
    note = tmp_path / "first"
    adapter = Process(
        command(
            tmp_path,
            f"for run in runs():\n"
            f"    if run['run'] != 'crash' or os.path.exists({str(note)!r}): result(run); continue\n"
            f"    open({str(note)!r}, 'w').write(str(child()))\n"
            f"    os._exit(3)\n",
        )
    )
    await adapter.start()
    try:
        assert (await adapter.run({"run": "healthy", **RUN}, 10)).result is not None
        began = time.monotonic()
        crashed = await adapter.run({"run": "crash", **RUN}, 10)
        assert crashed.lost is not None
        assert "exited with 3" in crashed.lost
        assert time.monotonic() - began < 5
        assert (await adapter.run({"run": "next", **RUN}, 10)).result is not None
        await _soon_gone(int(note.read_text()))
    finally:
        await adapter.stop()


async def test_a_run_under_way_in_a_new_process_survives_the_end_of_an_old_one(tmp_path: Path) -> None:
    adapter = Process(
        command(
            tmp_path,
            "for run in runs():\n"
            "    if run['run'] == 'crash':\n"
            "        subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1.5)'], start_new_session=True)\n"
            "        os._exit(3)\n"
            "    if run['run'] == 'slow': time.sleep(3)\n"
            "    result(run)\n",
        )
    )
    await adapter.start()
    try:
        await adapter.run({"run": "healthy", **RUN}, 10)
        crashing = asyncio.create_task(adapter.run({"run": "crash", **RUN}, 10))
        while adapter.pid is not None:  # noqa: ASYNC110 - the old process is gone, its output still open
            await asyncio.sleep(0.01)
        slow = await adapter.run({"run": "slow", **RUN}, 10)
        assert slow.result is not None, slow.lost
        assert (await crashing).result is None
    finally:
        await adapter.stop()


async def test_a_run_that_comes_while_a_hanging_process_is_killed_waits_for_the_next(tmp_path: Path) -> None:
    adapter = Process(
        command(
            tmp_path,
            "import signal\n"
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "for run in runs():\n"
            "    if run['run'] == 'hang': time.sleep(60)\n"
            "    result(run)\n",
        )
    )
    await adapter.start()
    try:
        await adapter.run({"run": "healthy", **RUN}, 10)
        hanging = asyncio.create_task(adapter.run({"run": "hang", **RUN}, 0.5))
        await asyncio.sleep(1.0)
        late = await adapter.run({"run": "late", **RUN}, 10)
        assert late.result is not None, late.lost
        assert (await hanging).lost == "no result within 0.5 s"
    finally:
        await adapter.stop()


async def test_what_a_killed_process_says_at_its_end_is_not_about_the_next(tmp_path: Path) -> None:
    adapter = Process(command(tmp_path, "for run in runs():\n    if run['run'] == 'hang': time.sleep(60)\n    result(run)\n"))
    await adapter.start()
    try:
        await adapter.run({"run": "healthy", **RUN}, 10)
        for _ in range(5):
            assert (await adapter.run({"run": "hang", **RUN}, 0.1)).lost == "no result within 0.1 s"
            adapter.forget("hang")
            assert (await adapter.run({"run": "healthy", **RUN}, 10)).result is not None
    finally:
        await adapter.stop()


@pytest.mark.parametrize("one_shot", [False, True])
async def test_a_command_need_not_read_what_it_is_told(one_shot: bool, tmp_path: Path) -> None:
    """A line of a megabyte is more than a pipe holds, and what is flat in the environment more than a variable holds."""
    says = (
        f"one_shot, HELLO = {one_shot}, {HELLO!r}\n"
        "print(json.dumps(HELLO), flush=True)\n"
        "if not one_shot: time.sleep(60)\n"
        "if 'STREAMPROOF_REQUEST_FILE' in os.environ:\n"
        "    request = json.load(open(os.environ['STREAMPROOF_REQUEST_FILE']))\n"
        "    print(json.dumps({'type': 'result', 'run': 'long', 'outcome': 'ok', 'text': str(len(request['user']))}))\n"
    )
    adapter = (OneShot if one_shot else Process)(command(tmp_path, says))
    await adapter.start()
    began = time.monotonic()
    report = await adapter.run({"run": "long", **RUN, "request": {"user": "é" * 1_000_000}}, 2)
    await adapter.stop()
    assert (report.result or {}).get("text") == ("1000000" if one_shot else None), report.lost
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("stays", ["child()", "time.sleep(60)", "child(start_new_session=True)"])
async def test_a_one_shot_command_that_does_not_leave_is_not_waited_for(stays: str, tmp_path: Path) -> None:
    script = f"if os.environ.get('STREAMPROOF_HELLO'): say({HELLO!r})\nelse: result({{'run': os.environ['STREAMPROOF_RUN']}})\n{stays}\n"
    adapter = OneShot(command(tmp_path, script))
    began = time.monotonic()
    await adapter.start()
    assert (await adapter.run({"run": "r1", **RUN}, 30)).result is not None
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("said", ["print('[' * 100_000)", "print('x' * 17_000_000)", "print('{}')", "sys.exit('no such module')"])
async def test_a_one_shot_command_that_breaks_the_protocol_is_a_broken_adapter(said: str, tmp_path: Path) -> None:
    greets = f"if os.environ.get('STREAMPROOF_HELLO'): say({HELLO!r})\nelse: {said}\n"
    results = await Engine(OneShot(command(tmp_path, greets))).run(case.corpus(case.CASES / "L0"))
    assert exit_of(results).code == ADAPTER_BROKEN


async def test_a_one_shot_command_without_a_hello_says_why(tmp_path: Path) -> None:
    with pytest.raises(AdapterBroken, match="exited with 1; its last words: no such module"):
        await OneShot(command(tmp_path, "sys.exit('no such module')")).start()


async def test_an_adapter_of_which_nothing_is_asked_is_not_broken(tmp_path: Path) -> None:
    results = await Engine(Process(command(tmp_path, "for run in runs(): result(run)")), transports=("ws",)).run(case.corpus())
    assert exit_of(results).code == TOO_LITTLE, exit_of(results).reason


async def _soon_gone(pid: int) -> None:
    for _ in range(100):
        if not _lives(pid):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"process {pid} lives on")


def _lives(pid: int) -> Any:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
