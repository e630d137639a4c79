"""What is counted of a request that is over: rows of journal entries, and the figures that follow from them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mockserver.bundled import bundled
from mockserver.events import Mark
from mockserver.journal import KEPT_WRITES, RequestEntry
from mockserver.load import MAX_PARTS, MAX_SPANS, OTHER_KEYS, Ending, Figures, Load, Outcome, Part, Span, Timeline, lateness
from mockserver.load_report import LATE_COUNT, read, to_json
from mockserver.writes import MAX_WRITES

OUTCOMES: tuple[Outcome, ...] = ("answered", "errors", "broken", "aborted")
SCHEMA = json.loads((bundled("schemas") / "load-report.schema.json").read_text(encoding="utf-8"))


def entry(writes: Sequence[tuple[float, float, Mark | None]] = (), key: str | None = None, **more: Any) -> RequestEntry:
    """A request that arrived at 100 s; writes as (due, at, mark) after that."""
    given: dict[str, Any] = {"status": 200, "dialect": "sse", "ended_at": 101.0, "ended_by": "server", "ended_how": "end"} | more
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    made = RequestEntry(1, 1, 100.0, headers=headers, key=None if key is None else "key-1", **given)
    for due, at, mark in writes:
        made.writes.add(100 + due, 100 + at, 10, 0 if mark is None else 1, mark)
    return made


def counted(*entries: RequestEntry) -> Figures:
    figures = Figures()
    for each in entries:
        figures.over(each)
    return figures


def check(report: Any) -> None:
    assert [f"{error.json_path}: {error.message}" for error in Draft202012Validator(SCHEMA).iter_errors(report)] == []


@pytest.mark.parametrize(
    ("status", "by", "how", "outcome"),
    [
        (200, "server", "end", "answered"),
        (None, "server", "close", "answered"),
        (429, "server", "end", "errors"),
        (500, "server", "refused", "errors"),
        (200, "server", "reset", "broken"),
        (200, "server", "stall", "broken"),
        (200, "client", "rst", "aborted"),
        (None, "client", "cancel", "aborted"),
        (500, "client", "gone", "aborted"),
    ],
)
def test_each_request_ends_in_one_way(status: int | None, by: str, how: str, outcome: str) -> None:
    figures = counted(entry(status=status, ended_by=by, ended_how=how))
    assert {each: figures.count(each) for each in OUTCOMES} == {each: int(each == outcome) for each in OUTCOMES}
    assert figures.completion.count == (outcome == "answered")


@pytest.mark.parametrize(
    ("writes", "more", "ttft", "gaps"),
    [
        ([(0, 0.5, "done")], {}, 0.5, 0),
        ([(0, 0.0, None), (0.2, 0.2, "content"), (0.3, 0.35, "content"), (0.4, 0.4, "done")], {}, 0.2, 2),
        ([(0, 0.0, "opening"), (0.2, 0.2, "comment"), (0.3, 0.3, "reasoning")], {}, 0.3, 0),
        ([(0, 0.1, "tool")], {"dialect": "ws-typed", "status": None}, 0.1, 0),
        ([(0, 0.1, "content")], {"dialect": "json"}, None, 0),
        ([(0, 0.1, "content")], {"status": 503}, None, 0),
        ([(0, 0.1, "error")], {}, None, 0),
        ([], {"ended_by": "client", "ended_how": "gone"}, None, 0),
    ],
)
def test_the_first_token_and_the_gaps(
    writes: list[tuple[float, float, Mark | None]], more: dict[str, Any], ttft: float | None, gaps: int
) -> None:
    figures = counted(entry(writes, **more))
    assert figures.ttft.count == int(ttft is not None)
    assert figures.ttft.longest == pytest.approx(ttft or 0.0)
    assert figures.gap.count == gaps


def test_gaps_where_writes_are_missing_are_not_made_up() -> None:
    long = entry([(n / 100, n / 100, "content") for n in range(100)])
    long.condense()
    figures = counted(long)
    assert figures.gap.count == KEPT_WRITES - 2
    assert figures.gap.longest == pytest.approx(0.01)
    assert (figures.writes, figures.unmeasured) == (KEPT_WRITES, 100 - KEPT_WRITES)


def test_gaps_are_not_made_up_where_writes_are_missing_twice() -> None:
    """Its journal forgot writes of it while it ran, and it wrote more than can be kept."""
    long = entry([(n / 100, n / 100, "content") for n in range(100)])
    long.condense()
    for n in range(100, 3000):
        long.writes.add(100 + n / 100, 100 + n / 100, 10, 1, "content")
    figures = counted(long)
    assert (figures.writes, figures.unmeasured, figures.events) == (MAX_WRITES, 3000 - MAX_WRITES, 3000)
    assert figures.gap.count == MAX_WRITES - 3
    assert figures.gap.longest == pytest.approx(0.01)
    long.condense()
    assert counted(long).gap.count == KEPT_WRITES - 2


def test_a_first_token_that_may_have_been_forgotten_is_not_guessed() -> None:
    long = entry([(n / 100, n / 100, "comment" if n < 30 else "content") for n in range(100)])
    long.condense()
    assert (counted(long).ttft.count, counted(long).unmeasured) == (0, 80)


@pytest.mark.parametrize(
    ("since", "ttft", "gaps", "events"),
    [(99.0, 1, 9, 10), (100.05, 1, 9, 10), (100.1, 1, 9, 10), (100.15, 0, 8, 9), (100.95, 0, 0, 1), (101.5, 0, 0, 0)],
)
def test_what_was_written_before_the_watch_began_is_not_counted(since: float, ttft: int, gaps: int, events: int) -> None:
    figures = Figures()
    figures.over(entry([(n / 10, n / 10, "content") for n in range(1, 11)]), since)
    assert (figures.ttft.count, figures.gap.count, figures.events, figures.writes) == (ttft, gaps, events, events)
    assert (figures.bytes, figures.lateness.count, figures.requests) == (10 * events, events, 1)


@pytest.mark.parametrize(("since", "unmeasured", "gaps"), [(100.05, 80, 13), (100.985, 80, 0), (100.99, 80, 0), (101.0, 0, 0)])
def test_what_was_forgotten_counts_as_long_as_it_may_be_later(since: float, unmeasured: int, gaps: int) -> None:
    long = entry([(n / 100, n / 100, "content") for n in range(100)])
    long.condense()
    figures = Figures()
    figures.over(long, since)
    assert (figures.unmeasured, figures.gap.count) == (unmeasured, gaps)


def test_late_is_what_was_written_after_its_time() -> None:
    assert lateness(entry([(0, 0.001, None), (0.2, 0.25, "content")])) == pytest.approx([0.001, 0.05])


def test_what_waited_for_a_slow_client_is_not_the_servers_lateness() -> None:
    slow = entry([(0, 0.0, "content"), (0.1, 0.7, "content"), (0.2, 0.7, "content"), (0.8, 0.82, "content")], blocked=0.59)
    slow.happened(100.11, "blocked", 4096)
    assert lateness(slow) == pytest.approx([0.0, 0.02])
    figures = counted(slow)
    assert (figures.slow, figures.blocked.longest) == (1, 0.59)


def test_a_client_that_never_read_again_has_no_write_after() -> None:
    stuck = entry([(0, 0.0, "content")], ended_by="client", ended_how="rst")
    stuck.happened(100.5, "blocked", 4096)
    assert lateness(stuck) == pytest.approx([0.0])


def test_keys_are_masked_and_bounded() -> None:
    load = Load(0, 1)
    for number in range(MAX_PARTS + 50):
        load.figures(entry(key=f"sk-{number:04}-secret-of-a-customer")).over(entry())
    keys = load.by("key")
    assert len(keys) == MAX_PARTS + 1
    assert keys[OTHER_KEYS].requests == 50
    assert "secret" not in json.dumps(to_json(load))
    assert load.figures(entry()) is load.parts[Part(None, OTHER_KEYS)]


def test_a_profile_and_a_key_have_figures_of_their_own() -> None:
    load = Load(0, 1)
    for profile, key in (("a", "sk-one-of-two-keys"), ("a", "sk-two-of-two-keys"), (None, "sk-two-of-two-keys"), ("a", None)):
        made = entry(key=key, profile=profile)
        load.figures(made).over(made)
    assert {name: figures.requests for name, figures in load.by("profile").items()} == {"a": 3, None: 1}
    assert {name: figures.requests for name, figures in load.by("key").items()} == {
        "sk-one-o******keys": 1,
        "sk-two-o******keys": 2,
        None: 1,
    }
    assert load.total.requests == 4


def made_load() -> Load:
    load = Load(1000.25, 1010.5, 1001.0, 1009.0, cpu=2.5)
    for each in (
        entry([(0, 0.05, "content"), (0.1, 0.11, "done")], key="sk-one-of-two-keys", fired=("jitter",)),
        entry(status=429, profile="a"),
        entry(ended_by="client", ended_how="rst", blocked=0.3),
    ):
        load.timeline.at(1001.5).count(load.figures(each).over(each))
    load.loop.extend([0.001, 0.0005])
    load.timeline.at(1002.9).streams += 1.5
    return load


def test_the_report_is_as_its_schema_says() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    check(to_json(Load(0, 0)))
    check(to_json(made_load()))
    broken = to_json(made_load())
    broken["total"]["more"] = 1
    with pytest.raises(AssertionError, match="more"):
        check(broken)


def test_a_report_read_again_tells_the_same() -> None:
    told = json.loads(json.dumps(to_json(made_load())))
    assert to_json(read(told)) == told


def test_two_workers_are_one_load() -> None:
    one, other = made_load(), made_load()
    other.began_at, other.last_at = 990.0, 1020.0
    both = to_json(read(to_json(one)) + other)
    check(both)
    assert (both["workers"], both["began_at"], both["last_at"], both["cpu"]) == (2, 990.0, 1020.0, 5.0)
    assert (both["total"]["requests"], both["total"]["errors"], both["total"]["aborted"]) == (6, 2, 2)
    assert both["timeline"]["spans"][0] | {"at": 0} == {
        "at": 0, "answered": 2, "errors": 2, "broken": 0, "aborted": 2, "streams": 0.0, "cpu": 0.0, "late": 0.0,
    }  # fmt: skip
    assert one.total.requests == 3, "adding changes neither"


def test_an_idle_worker_adds_nothing_but_itself() -> None:
    both = made_load() + Load(1000.0, 1011.0)
    assert (both.first_at, both.last_at, both.workers) == (1001.0, 1009.0, 2)


def test_a_long_run_has_wider_spans_and_loses_nothing() -> None:
    timeline = Timeline()
    for second in range(5000):
        timeline.at(1_000_000 + second).answered += 1
    assert len(timeline.spans) <= MAX_SPANS
    assert (timeline.width, sum(span.answered for span in timeline.spans.values())) == (16, 5000)
    both = timeline + Timeline(1, {1_000_003: Span(answered=7, late=0.5)})
    assert (both.width, sum(span.answered for span in both.spans.values()), max(span.late for span in both.spans.values())) == (
        16,
        5007,
        0.5,
    )


@pytest.mark.parametrize(
    ("writes", "looks", "cpu", "sign"),
    [
        ([0.002] * 1000, [0.002] * 100, 0.5, None),
        ([0.002] * 1000 + [0.5] * (LATE_COUNT - 1), [], 0.5, None),
        ([0.002] * 900 + [0.5] * 100, [], 0.5, "100 of 1000 writes were made more than 10 ms later"),
        ([], [0.03] * 20 + [0.001] * 80, 0.5, "20 of 100 looks at the event loop came more than 10 ms later"),
        ([], [], 0.95, "all of its processor time in 10 of 10 s"),
    ],
)
def test_a_saturated_mock_says_so(writes: list[float], looks: list[float], cpu: float, sign: str | None) -> None:
    load = Load(0, 10)
    figures = load.parts[Part(None, None)] = Figures()
    figures.endings[Ending(200, "server", "end")] = 1
    figures.lateness.extend(writes)
    load.loop.extend(looks)
    for second in range(10):
        span = load.timeline.at(second)
        span.streams, span.cpu = 1.0, cpu
    report = to_json(load)
    assert report["saturated"] is (sign is not None)
    assert (sign or "") in " ".join(report["signs"])
