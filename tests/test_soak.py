"""The soak judges rightly, and memory stays flat under its minute."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.soak import MOST_MIB, Look, drawn, judge, warm_up_of
from mockserver.answers import ApiError
from mockserver.journal import KEPT_PLANS, Journal
from mockserver.plan import STEP_BYTES, Plan
from mockserver.steps import Message, Timeline, Wait

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


@pytest.mark.skipif(os.environ.get("CI") != "true", reason="a minute of load, for CI: CI=true")
@pytest.mark.timeout(240)
@pytest.mark.xdist_group("soak")
def test_memory_stays_flat_for_a_minute() -> None:
    """Memory only: an answer stalled for a client whose FIN came first is kept for ten minutes, so one may be left after a minute."""
    command = [sys.executable, "-m", "bench.soak", "--seconds", str(SECONDS), "--streams", "500"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "\nflat: " in done.stdout, done.stdout + done.stderr
