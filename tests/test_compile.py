"""A compiled plan says the same bytes as its timeline, and an equal request's answer differs in nothing but its identity."""

from __future__ import annotations

import gzip
import json
import zlib
from random import Random

import h11
import pytest

from mockserver.answers import Choice, Identity, Reply, Request, Tokens
from mockserver.channels import DialectName
from mockserver.compile import SLICE, Act, Compiled, FramingName, Write, compile_timeline, template
from mockserver.exchange import filled, find_dialect, flavour, slug_of
from mockserver.plan import Setting, plan
from mockserver.registry import names
from mockserver.steps import BodyFraming, Coding, End, HangUp, Head, Message, Raw, Reset, Timeline, Wait
from mockserver.turns import HEALTHY

REQUEST = Request({"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}], "stream": True}, "gpt-4.1")
REPLY = Reply((Choice(content=("Hel", "lo", ' "wörld"\n')),), Tokens(3, prompt=3), "gpt-4.1")
FIRST, SECOND = ({"seed": 1, "created": 1_700_000_000}, {"seed": 2, "created": 1_799_999_999})


def body_of(compiled: Compiled, slug: bytes = b"") -> bytes:
    return b"".join(slug.join(act.segments) for act in compiled.acts if isinstance(act, Write))


def compiled_for(name: str, dialect: DialectName, identity: Identity) -> Compiled:
    setting = Setting(REQUEST, flavour(name), find_dialect(dialect), identity)
    framing: FramingName = "websocket" if dialect.startswith("ws") else "http"
    return compile_timeline(plan(REPLY, HEALTHY, setting).timeline, framing)


@pytest.mark.parametrize("dialect", ["sse", "json", "ws-chunk", "ws-typed", "ws-sse-text"])
@pytest.mark.parametrize("name", names("mockserver.flavours"))
def test_a_template_filled_with_an_identity_is_the_plan_made_for_it(name: str, dialect: DialectName) -> None:
    first, second = (flavour(name).identity(Random(each["seed"]), each["created"]) for each in (FIRST, SECOND))
    whole = compiled_for(name, dialect, first)
    slug = slug_of(whole, first)
    made = body_of(template(whole, slug), filled(slug, first, second)) if slug else body_of(whole)
    assert made == body_of(compiled_for(name, dialect, second))


def read_by_h11(data: bytes) -> tuple[h11.Response, list[bytes], bool]:
    """Head, the body's pieces as the HTTP chunks have them, and whether the message is complete."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="POST", target="/", headers=[("host", "x"), ("content-length", "0")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    head, pieces = connection.next_event(), []
    assert isinstance(head, h11.Response)
    while isinstance(event := connection.next_event(), h11.Data):
        pieces.append(bytes(event.data))
    return head, pieces, isinstance(event, h11.EndOfMessage)


def wire(timeline: Timeline) -> bytes:
    compiled = compile_timeline(timeline, "http")
    return (compiled.head or b"") + b"\r\n" + body_of(compiled)


MESSAGES = tuple(Message(f"data: {n}\n\n".encode(), "content") for n in range(3))


def test_each_message_is_a_chunk_of_its_own() -> None:
    head, pieces, complete = read_by_h11(wire((Head(200), *MESSAGES, End())))
    assert (head.status_code, complete) == (200, True)
    assert pieces == [message.data for message in MESSAGES]


def test_an_unfinished_body_is_not_complete() -> None:
    with pytest.raises(AssertionError):
        assert read_by_h11(wire((Head(200), *MESSAGES, HangUp())))[2]


@pytest.mark.parametrize("declared", [None, 3, 999])
def test_the_length_is_the_true_one_unless_another_is_declared(declared: int | None) -> None:
    timeline: Timeline = (Head(200, framing="length", declared=declared), Message(b"hello"), End())
    assert f"content-length: {5 if declared is None else declared}\r\n".encode() in wire(timeline)


@pytest.mark.parametrize("coding", ["gzip", "gzip-late", "gzip-members"])
def test_a_coded_body_has_its_coded_length(coding: str) -> None:
    timeline: Timeline = (Head(200, framing="length", codings=(coding,)), *MESSAGES, End())  # type: ignore[arg-type]  # a row's text
    head, _, body = wire(timeline).partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}".encode() in head
    assert gzip.decompress(body) == b"".join(message.data for message in MESSAGES)


@pytest.mark.parametrize(
    ("codings", "named"),
    [(("gzip", "gzip"), b"gzip, gzip"), (("gzip", "gzip-members"), b"gzip, gzip"), (("deflate", "gzip-late"), b"deflate, gzip")],
)
@pytest.mark.parametrize("framing", ["chunked", "length"])
def test_codings_lie_one_in_the_other_and_are_named_in_their_order(codings: tuple[Coding, ...], named: bytes, framing: BodyFraming) -> None:
    head, pieces, complete = read_by_h11(wire((Head(200, framing=framing, codings=codings), *MESSAGES, End())))
    assert (dict(head.headers)[b"content-encoding"], complete) == (named, True)
    inner = gzip.decompress(b"".join(pieces))
    assert (zlib.decompress(inner) if codings[0] == "deflate" else gzip.decompress(inner)) == b"".join(each.data for each in MESSAGES)


def test_a_part_of_a_message_is_coded_by_itself() -> None:
    parts = (Message(b"dat", offset=0, total=7), Message(b"a: 1", "content", offset=3, total=7))
    _, pieces, complete = read_by_h11(wire((Head(200, codings=("gzip-members",)), *parts, End())))
    assert ([gzip.decompress(piece) for piece in pieces], complete) == ([b"dat", b"a: 1"], True)


def test_what_is_due_together_is_one_write_and_a_wait_of_zero_is_a_boundary() -> None:
    timeline: Timeline = (Head(), MESSAGES[0], MESSAGES[1], Wait(0), MESSAGES[2], Wait(0.5), Raw(b"x"), Reset())
    acts = compile_timeline(timeline, "http").acts
    assert [(type(act).__name__, act.due) for act in acts] == [("Write", 0.0), ("Write", 0.0), ("Write", 0.5), ("Act", 0.5)]
    assert isinstance(acts[0], Write)
    assert (acts[0].messages, acts[0].head) == (2, True)


def test_a_long_answer_is_cut_between_messages_into_slices() -> None:
    acts = compile_timeline((Head(), *(Message(b"x" * 10_000, "content") for _ in range(30)), End()), "http").acts
    writes = [act for act in acts if isinstance(act, Write)]
    assert len(writes) == 5
    assert all(len(write.segments[0]) < 2 * SLICE for write in writes)
    assert sum(write.messages for write in writes) == 30


def test_a_client_of_http_1_0_gets_no_chunks() -> None:
    compiled = compile_timeline((Head(), *MESSAGES, End()), "http", http10=True)
    assert b"transfer-encoding" not in (compiled.head or b"")
    assert body_of(compiled) == b"".join(message.data for message in MESSAGES)


def test_an_ending_is_an_act_and_carries_its_time() -> None:
    last = compile_timeline((Head(), Wait(2), Reset(abrupt=True)), "http").acts[-1]
    assert last == Act(2.0, Reset(abrupt=True))


def test_a_frame_says_the_whole_length_when_its_message_is_cut() -> None:
    whole = json.dumps({"a": "b" * 200}).encode()
    parts = (Message(whole[:50], None, total=len(whole)), Message(whole[50:], "content", offset=50, total=len(whole)))
    assert body_of(compile_timeline(parts, "websocket")) == body_of(compile_timeline((Message(whole, "content"),), "websocket"))
