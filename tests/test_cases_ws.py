"""The cases over WebSocket: the reference client passes every check, and what the server said is read as it was sent."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from conformance import case, clients, said
from conformance.data_messages import data_messages
from conformance.engine import Engine, Results
from conformance.kit_check import planned_ending, planned_messages
from conformance.process import Process
from conformance.verdict import Verdict
from mockserver.steps import End, Frame, HangUp, Message, Pulse, Raw, Reset, Stall, Step, Timeline, Vanish, Wait

pytestmark = pytest.mark.timeout(180)

CASES = [each for each in case.corpus() if set(each.dialects()) != {"sse"}]
OWN = [each for each in CASES if ".ws." in each.id]


# ------------------------------------------------------------------------------------------------------------- the corpus


def test_there_are_cases_on_every_level() -> None:
    levels = Counter(each.level for each in OWN)
    wanted = {"L1": 20, "L2": 40, "L3": 12, "L4": 15}
    assert {level: levels[level] for level in wanted if levels[level] < wanted[level]} == {}


@pytest.mark.parametrize("dialect", case.DIALECTS["ws"])
def test_every_dialect_is_asked_on_every_level(dialect: str) -> None:
    assert {each.level for each in OWN if dialect in each.dialects()} == {"L1", "L2", "L3", "L4"}


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, None, 1007, 1008, 1009, 1011, 1012, 1013, 1014, 4000, 4999])
@pytest.mark.parametrize("fault", ["ws-close", "burst-and-close"], ids=["before the terminal message", "after it"])
def test_every_close_code_is_sent(code: int | None, fault: str) -> None:
    sent = [
        used[fault].get("code", 1000)
        for each in OWN
        if each.level == "L2"
        for turn in each.server["turns"]
        for used in turn.get("faults", ())
        if isinstance(used, dict) and fault in used
    ]
    assert code in sent


# ------------------------------------------------------------------------------------------------- with the reference client


@pytest.fixture(scope="module")
def results() -> Results:
    """All of them, once."""
    return asyncio.run(Engine(Process(clients.command("reference-python")), transports=("ws",)).run(CASES))


def test_the_whole_run_came_to_its_end(results: Results) -> None:
    assert results.broken is None
    assert not results.stopped_at_l0
    ran = {(result.id, result.transport) for result in results.cases}
    assert ran == {(each.id, dialect) for each in CASES for dialect in each.dialects() if dialect != "sse"}


@pytest.mark.parametrize("each", CASES, ids=lambda each: each.id)
def test_the_reference_client_passes(each: case.Case, results: Results) -> None:
    own = [result for result in results.cases if result.id == each.id]
    assert [error for result in own for error in result.kit_errors] == []
    told = [
        f"{result.name} {check.id}: {check.verdict} {check.evidence} {check.reason}"
        for result in own
        for check in result.checks
        if check.verdict not in (Verdict.PASS, Verdict.INFO)
    ]
    assert told == []


# --------------------------------------------------------------------------------------------- what was said, read as sent

ONE, TWO = Message(b'{"n":1}', "content"), Message(b'{"n":2}', "content")

READ: dict[str, tuple[Timeline, list[bytes]]] = {
    "messages": ((ONE, Wait(1), TWO, End()), [ONE.data, TWO.data]),
    "parts": ((Message(b"ab", offset=0, total=3), Wait(0), Message(b"c", offset=2, total=3), TWO), [b"abc", TWO.data]),
    "half": ((ONE, Message(b"ab", total=3), HangUp()), [ONE.data]),
    "fragments": ((Frame("text", b"\xc3", fin=False), Frame("ping", b"x"), Frame("continuation", b"\xa9")), ["é".encode()]),
    "frame in pieces": ((Frame("text", b"ab", stop=2), Frame("text", b"ab", start=2)), [b"ab"]),
    "frame and the rest": ((Frame("text", b"ab", declared=4), Raw(b"cd"), TWO), [b"abcd", TWO.data]),
    "frame that swallows": ((ONE, Frame("text", b"ab", declared=400), TWO), [ONE.data]),
    "reserved bit": ((ONE, Frame("text", b"x", rsv=2), TWO), [ONE.data]),
    "mask": ((ONE, Frame("text", b"x", mask=b"abcd"), TWO), [ONE.data]),
    "not UTF-8": ((ONE, Message(b"\xff"), TWO), [ONE.data]),
    "binary": ((Message(b"\xff", binary=True), TWO), [b"\xff", TWO.data]),
    "bytes of nobody": ((ONE, Raw(b"\x81"), TWO), [ONE.data]),
    "close frame": ((ONE, Frame("close", b"\x03\xe8"), TWO), [ONE.data]),
    "close": ((ONE, End(close=1000), TWO), [ONE.data]),
    "close without a code": ((ONE, End(bare=True), TWO), [ONE.data]),
    "end of an answer": ((ONE, End(), TWO), [ONE.data, TWO.data]),
    "pulse": ((ONE, Pulse(TWO, 1.0)), [ONE.data]),
}


@pytest.mark.parametrize(("timeline", "messages"), READ.values(), ids=READ)
def test_data_messages_are_put_together(timeline: Timeline, messages: list[bytes]) -> None:
    assert list(data_messages(timeline)) == messages


def chunk(text: str, index: int = 0, finish: str | None = None) -> str:
    reason = f'"{finish}"' if finish else "null"
    return f'{{"choices":[{{"index":{index},"delta":{{"content":"{text}"}},"finish_reason":{reason}}}]}}'


def heard(dialect: str, *messages: str) -> said.Said:
    return said.read((*(Message(text.encode(), "content") for text in messages), End()), dialect)


def test_glued_and_split_json_is_read_to_its_end() -> None:
    glued = heard("ws-chunk", chunk("Hel") + chunk("lo"), "\n" + chunk("!", finish="stop"))
    split = heard("ws-chunk", chunk("Hel"), chunk("lo")[:9], chunk("lo")[9:], chunk("!", finish="stop"))
    for each in (glued, split):
        assert (each.choices[0].text, each.complete, each.broken) == ("Hello!", True, False)


def test_what_is_no_json_hides_what_follows() -> None:
    found = heard("ws-chunk", chunk("Hel"), "<<< no JSON >>>", chunk("lo", finish="stop"))
    assert (found.choices[0].text, found.complete, found.broken) == ("Hel", False, True)


def test_typed_messages_tell_each_choice_its_end() -> None:
    found = heard(
        "ws-typed",
        '{"type":"content_delta","content":"a","index":0}',
        '{"type":"heartbeat","content":"x"}',
        '{"type":"content_delta","content":"b","index":1}',
        '{"type":"usage","prompt_tokens":3,"completion_tokens":2,"total_tokens":5}',
        '{"type":"done","finish_reason":"stop","finish_reasons":["stop","length"]}',
        '{"type":"content_delta","content":"late","index":0}',
    )
    assert {index: (choice.text, choice.finish_reason) for index, choice in found.choices.items()} == {0: ("a", "stop"), 1: ("b", "length")}
    assert found.usage == {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    assert found.complete


def test_event_stream_text_is_one_stream_beside_the_gateways_own_messages() -> None:
    text = f"data: {chunk('Hé')}\n\ndata: {chunk('llo', finish='stop')}\n\ndata: [DONE]\n\n"
    found = heard("ws-sse-text", text[:20], text[20:60], text[60:], '{"type":"done"}')
    assert (found.choices[0].text, found.done, found.complete) == ("Héllo", True, True)
    refused = heard("ws-sse-text", '{"type":"error","message":"No.","error":{"message":"No."}}')
    assert (refused.error_words, refused.complete) == ("No.", False)


@pytest.mark.parametrize(
    ("last", "ending"),
    [
        (End(), "end"),
        (End(close=1000), "close"),
        (End(bare=True), "close"),
        (HangUp(), "hangup"),
        (Reset(), "reset"),
        (Stall(), "stall"),
        (Vanish(), "vanish"),
        (Pulse(TWO, 1.0), "pulse"),
    ],
    ids=str,
)
def test_the_plan_says_what_the_journal_will(last: Step, ending: str) -> None:
    timeline = (ONE, Frame("text", b"{}", mark="content"), Frame("ping"), last)
    assert (planned_messages(timeline), planned_ending(timeline)) == (2, ending)
