"""What is worked out of a client's words and the server's: each relation, true and false."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conformance import fidelity
from conformance import said as saying
from conformance.report import Report
from conformance.transcript import client
from mockserver.answers import ApiError, Reply, Tokens
from mockserver.journal import RequestEntry
from mockserver.plan import Plan
from mockserver.steps import End, HangUp, Head, Message, Step, Wait


def event(body: Any) -> Message:
    return Message(b"data: %b\n\n" % json.dumps(body).encode(), "content")


def text(content: str, index: int = 0) -> Message:
    return event({"choices": [{"index": index, "delta": {"content": content}}]})


def call(arguments: str, name: str | None = None, index: int = 0) -> Message:
    header = {"id": f"call_{index}"} if name else {}
    return event(
        {
            "choices": [
                {"index": 0, "delta": {"tool_calls": [{"index": index, **header, "function": {"name": name, "arguments": arguments}}]}}
            ]
        }
    )


def entry(*steps: Step, answer: Any = None, at: tuple[float, ...] = (0.1,)) -> RequestEntry:
    """A request that was answered with these steps; a write at each time, the messages shared evenly among them."""
    asked = RequestEntry(1, 1, 0.0)
    asked.dialect = "sse"
    asked.plan = Plan(answer or Reply((), Tokens(), "m"), (Head(), *steps))
    messages = sum(isinstance(step, Message) for step in steps)
    for moment in at:
        asked.writes.add(moment, moment, 1, messages // len(at), "content")
    return asked


def said_by(*lines: tuple[float, dict[str, Any]], **result: Any) -> Report:
    report = Report("r1", 0.0)
    for moment, line in lines:
        report.add(moment, {"run": "r1", **line})
    report.add(9.0, {"type": "result", "run": "r1", "outcome": "ok", **result})
    return report


def numbers(report: Report, *requests: RequestEntry) -> dict[str, Any]:
    answers = [saying.read(each.plan.timeline, "sse") for each in requests]
    return fidelity.numbers(report, client(report, {}), requests, answers)


def delta(content: str) -> dict[str, Any]:
    return {"type": "delta", "text": content, "index": 0}


PAUSED = (text("one"), Wait(1.0), text(" two"), End())


@pytest.mark.parametrize(
    ("told_at", "held_back"),
    [(0.2, 0), (0.9, 0), (1.2, 3)],
    ids=["at once", "before the next write", "with the next event"],
)
def test_what_a_client_held_back(told_at: float, held_back: int) -> None:
    report = said_by((told_at, delta("one")), (1.3, delta(" two")))
    assert numbers(report, entry(*PAUSED, at=(0.1, 1.1)))["held_back"] == held_back


def test_fragments_of_arguments_can_be_held_back_too() -> None:
    steps = (call('{"a', "f"), Wait(1.0), call('":1}'), End())
    fragment = {"type": "tool_call", "index": 0, "call": 0, "name": "f", "arguments": '{"a'}
    assert numbers(said_by((0.2, fragment)), entry(*steps, at=(0.1, 1.1)))["held_back"] == 0
    assert numbers(said_by((1.2, fragment)), entry(*steps, at=(0.1, 1.1)))["held_back"] == 3


@pytest.mark.parametrize(
    "asked",
    [entry(text("one"), text(" two"), End()), entry(text("one"), Wait(0.0), text(" two"), End()), entry(*PAUSED, at=())],
    ids=["no pause", "a boundary is no pause", "nothing was written"],
)
def test_without_a_pause_nothing_can_be_held_back(asked: RequestEntry) -> None:
    assert numbers(said_by(), asked)["held_back"] is None


def test_a_client_that_left_in_the_pause_held_nothing_back() -> None:
    asked = entry(*PAUSED, at=())
    asked.writes.add(0.1, 0.1, 1, 1, "content")
    assert numbers(said_by(), asked)["held_back"] is None


IN_BAND = {
    "nested": {"error": {"message": "out of memory", "code": 500}},
    "string": {"error": "out of memory"},
    "flat": {"object": "error", "message": "out of memory", "type": "server_error"},
    "detail": {"detail": "out of memory"},
}


@pytest.mark.parametrize("shape", IN_BAND)
@pytest.mark.parametrize(("message", "told"), [("the server said: out of\n memory", True), ("server error", False), (None, False)])
def test_the_words_of_an_error_in_band(shape: str, message: str | None, told: bool) -> None:
    asked = entry(text("Hel"), event(IN_BAND[shape]), End())
    assert numbers(said_by(outcome="error", message=message), asked)["error_told"] is told


def test_the_words_of_an_http_error() -> None:
    asked = entry(End(), answer=ApiError(503, "The engine is overloaded"))
    assert numbers(said_by(message="HTTP 503: The engine is overloaded"), asked)["error_told"] is True
    assert numbers(said_by(message="HTTP 503"), asked)["error_told"] is False


def test_where_the_server_said_no_error_there_are_no_words() -> None:
    assert numbers(said_by(message="truncated"), entry(text("Hel"), HangUp()))["error_told"] is None


@pytest.mark.parametrize(
    ("told", "exact", "foreign", "missing"),
    [
        ("Hello", True, False, 0),
        ("Hel", False, False, 2),
        ("", False, False, 5),
        ("HelHello", False, True, None),
        ("lo", False, True, None),
    ],
)
def test_the_text_against_what_was_sent(told: str, exact: bool, foreign: bool, missing: int | None) -> None:
    found = numbers(said_by(text=told), entry(text("Hel"), text("lo"), HangUp(), text(" never sent")))
    assert (found["text_exact"], found["text_kept"], found["text_foreign"], found["text_missing"]) == (exact, exact, foreign, missing)


def test_no_text_is_not_a_text_that_was_kept() -> None:
    assert numbers(said_by(text=""), entry(HangUp()))["text_kept"] is False


WHOLE = {"id": "call_0", "name": "f", "arguments": '{"a": 1}'}
CUT = {"id": "call_1", "name": "g", "arguments": '{"b"'}


@pytest.mark.parametrize(
    ("told", "foreign", "ids"),
    [
        ([], 0, False),
        ([WHOLE], 0, False),
        ([WHOLE, CUT], 1, True),
        ([WHOLE, {**CUT, "arguments": '{"b": null}'}], 1, True),
        ([{**WHOLE, "name": "other"}], 1, False),
    ],
    ids=["none", "the whole one", "the cut one too", "the cut one mended", "another's"],
)
def test_calls_that_were_cut_are_not_the_servers(told: list[dict[str, Any]], foreign: int, ids: bool) -> None:
    asked = entry(call('{"a"', "f"), call(":1}"), call('{"b"', "g", 1), HangUp())
    found = numbers(said_by(tool_calls=told), asked)
    assert (found["tool_calls_foreign"], found["tool_call_ids_exact"], found["tool_calls_said"]) == (foreign, ids, 2)


def test_choices_are_compared_each_with_its_own() -> None:
    asked = entry(text("one"), text("uno", 1), End())
    assert numbers(said_by(choices=[{"text": "one"}, {"text": "uno"}]), asked)["choices_exact"] is True
    assert numbers(said_by(choices=[{"text": "uno"}, {"text": "one"}]), asked)["choices_exact"] is False
    assert numbers(said_by(choices=[{"text": "oneuno"}]), asked)["choices_exact"] is False


@pytest.mark.parametrize(
    ("told", "exact"), [({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}, True), (None, False), ({}, False)]
)
def test_usage_is_compared_by_its_counts(told: dict[str, int] | None, exact: bool) -> None:
    counts = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "cost": 0.1}
    result = {} if told is None else {"usage": told}
    assert numbers(said_by(**result), entry(text("one"), event({"choices": [], "usage": counts}), End()))["usage_exact"] is exact
