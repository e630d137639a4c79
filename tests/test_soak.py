"""The soak judges rightly, and memory stays flat under its minute."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bench.soak import MOST_MIB, Look, drawn, judge, warm_up_of
from mockserver.answers import ApiError
from mockserver.journal import KEPT_PLANS, Journal
from mockserver.plan import STEP_BYTES, Plan
from mockserver.steps import Message, Timeline, Wait
from mockserver.testing import MockServer
from tests.raw_http import ASKED

ROOT = Path(__file__).parent.parent
SECONDS = 60


@pytest.mark.parametrize(
    ("mib", "flat"),
    [
        (lambda at: 80.0, True),
        (lambda at: 40 + 40 * min(1.0, at / 600), True),
        (lambda at: 80 + 10 * (at % 60) / 60, True),
        (lambda at: 80 + (100 if 900 < at < 950 else 0), True),
        (lambda at: 80 - at / 100, True),
        (lambda at: 80 + at / 100, False),
        (lambda at: 80 + at / 200 + 10 * (at % 60) / 60, True),
        (lambda at: 80 + at / 120 + 10 * (at % 60) / 60, False),
    ],
    ids=["constant", "the warm-up does not count", "a saw", "a peak", "falling", "growing", "within the bound", "a growing saw"],
)
def test_flat_is_judged_by_the_slope_after_the_warm_up(mib: object, flat: bool) -> None:
    assert callable(mib)
    looks = [Look(float(at), mib(at)) for at in range(0, 1800, 6)]
    verdict = judge(looks, 600.0)
    assert verdict.flat is flat, verdict
    assert verdict.most >= MOST_MIB


def test_the_warm_up_ends() -> None:
    assert [warm_up_of(seconds) for seconds in (60.0, 900.0, 1800.0, 36000.0)] == [30.0, 300.0, 300.0, 300.0]


def test_memory_is_drawn_from_zero() -> None:
    lines = drawn([Look(float(at), 50.0 + (at >= 50) * 50) for at in range(100)], 30.0, width=50, height=4).splitlines()
    assert lines[0].startswith("  100.0 MiB │")
    assert lines[0].count("█") == pytest.approx(25, abs=1)
    assert lines[3].count("█") == 50
    assert "warm-up" in lines[5]


@pytest.mark.parametrize(
    "tenth",
    [(Wait(0.0),) * (KEPT_PLANS // 10 // STEP_BYTES), (Message(b"x" * (KEPT_PLANS // 20)),) * 2],
    ids=["many steps", "much data"],
)
def test_large_plans_make_room_for_each_other(tenth: Timeline) -> None:
    journal = Journal("s")
    running = journal.request(1, 0.0)
    running.plan = Plan(ApiError(500, ""), tenth * 10)
    for number in range(50):
        entry = journal.request(1, float(number))
        entry.plan = Plan(ApiError(500, ""), tenth)
        entry.end(float(number), "server", "end")
        journal.over(entry)
        assert entry.plan is not None, "the latest is always kept"
        kept = [each.plan.weight for each in journal.requests if each.plan is not None and each is not running]
        assert sum(kept) <= KEPT_PLANS
    assert running.plan is not None, "what is being played is needed"


def test_connections_leave_nothing_to_the_garbage_collector() -> None:
    """It comes seldom, and what waits for it is memory that grows. Some are ended by the server, some by the client, some in the middle."""
    with MockServer() as server:
        session = server.session({"turns": [{}, {"faults": [{"hang-up": {"at": "content:1"}}]}], "after": "repeat"})
        url, body = urlsplit(session.base_url), json.dumps(ASKED).encode()
        head = f"POST {url.path}/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\ncontent-length: {len(body)}\r\n\r\n"
        gc.collect()
        gc.disable()
        try:
            for number in range(10):
                with socket.create_connection((str(url.hostname), url.port or 0), timeout=10) as sock:
                    sock.sendall(head.encode() + body)
                    heard = sock.recv(1)
                    while number > 4 and not heard.endswith(b"0\r\n\r\n") and (piece := sock.recv(65536)):
                        heard += piece
            server.until(lambda: [each.closed_at is not None for each in session.session.journal.connections] == [True] * 10, 10)
            server.call(lambda: None)
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            left = [type(each).__name__ for each in gc.garbage if isinstance(each, asyncio.BaseTransport | asyncio.BaseProtocol)]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
    assert not left


@pytest.mark.skipif(os.environ.get("CI") != "true", reason="a minute of load, for CI: CI=true")
@pytest.mark.timeout(240)
@pytest.mark.xdist_group("soak")
def test_memory_stays_flat_for_a_minute() -> None:
    """And nothing stays when all have left."""
    command = [sys.executable, "-m", "bench.soak", "--seconds", str(SECONDS), "--streams", "500"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
