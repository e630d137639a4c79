"""Faults of the SSE framing: the same answer in other lines. What is legal must be read as the healthy stream is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.sync.client import connect

from mockserver.author_errors import AuthorError
from mockserver.profiles import load_use
from mockserver.testing import MockServer, MockSession
from tests.raw_http import ASKED, WHOLE, post

CONTENT = ["Hel", "lo", "\u2028", "wörld"]
Blocks = list[bytes]
"""The events of the healthy answer, each with its lines and its empty line: role, four times content, finish, usage, [DONE]."""


def each(change: Callable[[bytes], bytes]) -> Callable[[Blocks], bytes]:
    return lambda blocks: b"".join(change(block) for block in blocks)


def at(number: int, change: Callable[[bytes], bytes]) -> Callable[[Blocks], bytes]:
    return lambda blocks: b"".join(change(block) if index == number else block for index, block in enumerate(blocks))


def before_each(line: str) -> Callable[[Blocks], bytes]:
    """A line in front of every block; `%d` in it is the block's number from 1."""
    return lambda blocks: b"".join((line % index if "%d" in line else line).encode() + block for index, block in enumerate(blocks, 1))


def named(blocks: Blocks) -> bytes:
    return b"".join(b"event: message\n" + block for block in blocks[:-1]) + b"event: done\n" + blocks[-1]


LEGAL: list[tuple[Any, Callable[[Blocks], bytes]]] = [
    ("line-ends", each(lambda block: block.replace(b"\n", b"\r\n"))),
    ({"line-ends": "cr"}, each(lambda block: block.replace(b"\n", b"\r"))),
    ({"line-ends": "split-crlf"}, each(lambda block: block.replace(b"\n", b"\r\n"))),
    ("bom", at(0, lambda block: b"\xef\xbb\xbf" + block)),
    ("no-space", each(lambda block: block.replace(b"data: ", b"data:", 1))),
    ({"no-space": "finish"}, at(5, lambda block: block.replace(b"data: ", b"data:", 1))),
    ("comment-lines", before_each(": comment\n")),
    ({"comment-lines": {"text": "", "at": "done"}}, at(7, lambda block: b": \n" + block)),
    ("event-field", before_each("event: message\n")),
    ({"event-field": {"name": "message", "done": "done"}}, named),
    ({"event-field": {"name": "ping", "alone": True, "at": "content:2"}}, at(2, lambda block: b"event: ping\n\n" + block)),
    ("id-field", before_each("id: %d\n")),
    ({"id-field": {"alone": True}}, before_each("id: %d\n\n")),
    ({"id-field": {"first": 7, "at": "usage"}}, at(6, lambda block: b"id: 7\n" + block)),
    ("retry-field", at(0, lambda block: b"retry: 3000\n\n" + block)),
    ({"retry-field": {"milliseconds": 0, "alone": False, "at": "content:1"}}, at(1, lambda block: b"retry: 0\n" + block)),
    ("unknown-field", before_each("trace: 7f3a\n")),
    ({"unknown-field": {"line": "dataset"}}, before_each("dataset\n")),
    ("blank-line-after-event", before_each("event: message\n\n")),
    ("blank-lines", at(0, lambda block: b"\n" + block)),
    ({"blank-lines": {"at": "content:1", "count": 3}}, at(1, lambda block: block + b"\n\n\n")),
    ({"blank-lines": {"at": "end"}}, at(7, lambda block: block + b"\n")),
]
BROKEN: list[tuple[Any, Callable[[Blocks], bytes]]] = [
    ("two-spaces", each(lambda block: block.replace(b"data: ", b"data:  ", 1))),
    ({"bom": "content:2"}, at(2, lambda block: b"\xef\xbb\xbf" + block)),
    ("no-last-blank-line", at(7, lambda block: block[:-1])),
    ({"no-last-blank-line": 0}, at(7, lambda block: block[:-2])),
    ("glued", at(2, lambda block: block[:-1])),
    ({"glued": {"at": "finish", "line_ends": 0}}, at(5, lambda block: block[:-2])),
    ("invalid-bytes", at(1, lambda block: block.replace(b'"content":"', b'"content":"\xff', 1))),
    ({"invalid-bytes": {"at": "content:4", "hex": "e28c"}}, at(4, lambda block: block.replace(b'"content":"', b'"content":"\xe2\x8c', 1))),
]


def name_of(value: Any) -> str | None:
    return json.dumps(value) if isinstance(value, dict) else None


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer() as server:
        yield server


def session(server: MockServer, *faults: Any) -> MockSession:
    return server.session([{"answer": {"content": CONTENT}, "faults": list(faults)}], seed=7)


@pytest.fixture(scope="module")
def healthy(server: MockServer) -> Blocks:
    blocks = [block + b"\n\n" for block in post(session(server).base_url).body.split(b"\n\n")[:-1]]
    assert len(blocks) == 8
    return blocks


def dispatched(body: bytes) -> list[str]:
    """The data of each event that a client dispatches, by the letter of the standard (WHATWG HTML §9.2.6)."""
    events: list[str] = []
    data: list[str] = []
    *lines, _ = re.split(r"\r\n|\n|\r", body.decode("utf-8-sig", "replace"))
    for line in lines:
        name, _, value = line.partition(":")
        if not line:
            if data:
                events.append("\n".join(data))
            data = []
        elif name == "data":
            data.append(value.removeprefix(" "))
    return events


@pytest.mark.parametrize(("fault", "lines"), [*LEGAL, *BROKEN], ids=name_of)
def test_the_bytes_are_as_told(server: MockServer, healthy: Blocks, fault: Any, lines: Callable[[Blocks], bytes]) -> None:
    faulty = session(server, fault)
    heard = post(faulty.base_url)
    assert heard.complete
    assert heard.body == lines(healthy)
    assert faulty.unplayed() == []


@pytest.mark.parametrize("fault", [*(fault for fault, _ in LEGAL), {"line-ends": "mixed"}], ids=name_of)
def test_what_is_legal_says_the_same(server: MockServer, healthy: Blocks, fault: Any) -> None:
    body = post(session(server, fault).base_url).body
    assert body != b"".join(healthy)
    assert dispatched(body) == dispatched(b"".join(healthy))


@pytest.mark.parametrize(("fault", "_"), BROKEN, ids=name_of)
def test_what_is_broken_does_not(server: MockServer, healthy: Blocks, fault: Any, _: Any) -> None:
    assert dispatched(post(session(server, fault).base_url).body) != dispatched(b"".join(healthy))


def test_mixed_line_ends_are_of_all_kinds(server: MockServer) -> None:
    body = post(session(server, {"line-ends": "mixed"}).base_url).body
    ends = [line[0] for line in re.finditer(rb"(\r\n|\n|\r)(\r\n|\n|\r)", body)]
    assert len(ends) == 8
    assert {b"\n\n", b"\r\n\r\n", b"\r\r", b"\r\r\n"} <= {*ends}
    assert b"".join(re.split(rb"\r|\n", body)) == b"".join(re.split(rb"\n", post(session(server).base_url).body))


def test_split_line_ends_are_in_different_chunks_and_writes(server: MockServer, healthy: Blocks) -> None:
    faulty = session(server, {"line-ends": {"kind": "split-crlf", "gap": 0.001}})
    heard = post(faulty.base_url)
    assert [chunk for block in healthy for chunk in (block[:-2] + b"\r", b"\n\r", b"\n")] == list(heard.chunks)
    assert len(faulty.journal()["requests"][0]["writes"]) > 2 * len(healthy)


@pytest.mark.parametrize("lines", [2, 3, 5, 100])
def test_data_in_several_lines_is_the_same_json(server: MockServer, healthy: Blocks, lines: int) -> None:
    body = post(session(server, {"multi-line-data": lines}).base_url).body
    heard, said = dispatched(body), dispatched(b"".join(healthy))
    assert [json.loads(data) for data in heard[:-1]] == [json.loads(data) for data in said[:-1]]
    assert heard[-1] == "[DONE]"
    counts = [data.count("\n") + 1 for data in heard[:-1]]
    assert counts == [lines] * 7 if lines < 10 else min(counts) > 5


def test_a_named_error_keeps_its_name(server: MockServer) -> None:
    body = post(session(server, {"api-error": {"event": "error"}}, "event-field", "id-field").base_url).body
    assert b"\n\nid: 3\nevent: error\ndata:" in body or b"\n\nevent: error\nid: 3\ndata:" in body
    assert body.count(b"event: ") == 3


def test_a_chunk_cut_inside_a_key_with_the_next_in_its_line(server: MockServer, healthy: Blocks) -> None:
    faults = [{"cut-json": {"at": "content:2", "keep": 0.1}}, {"glued": {"at": "content:2", "line_ends": 0}}]
    body = post(session(server, *faults).base_url).body
    line = body.split(b"\n")[4]
    assert line.count(b"data: ") == 2
    assert line.endswith(healthy[3][:-2])
    assert len(dispatched(body)) == len(healthy) - 1


def test_empty_lines_before_a_body_that_is_not_streamed(server: MockServer) -> None:
    whole = post(session(server).base_url, WHOLE)
    heard = post(session(server, {"blank-lines": {"count": 4}}).base_url, WHOLE)
    assert heard.complete
    assert heard.body == b"\n\n\n\n" + whole.body
    assert heard.field("content-length") == str(len(whole.body) + 4)


def test_the_same_over_websocket(server: MockServer, healthy: Blocks) -> None:
    faulty = session(server, "line-ends", {"event-field": {"name": "message", "done": "done"}})
    with connect(f"{faulty.ws_url}?dialect=ws-sse-text&key=sk-raw", open_timeout=5) as socket:
        socket.send(json.dumps(ASKED))
        heard = [str(socket.recv(timeout=5)) for _ in range(len(healthy) + 1)]
    assert heard[0] == "event: message\n" + healthy[0].decode().replace("\n", "\r\n")
    assert heard[-2:] == ["event: done\ndata: [DONE]\r\n\r\n", '{"type":"done"}']


def test_a_line_end_is_a_message_of_its_own_over_websocket(server: MockServer, healthy: Blocks) -> None:
    faulty = session(server, {"line-ends": "split-crlf"})
    with connect(f"{faulty.ws_url}?dialect=ws-sse-text&key=sk-raw", open_timeout=5) as socket:
        socket.send(json.dumps(ASKED))
        heard = [str(socket.recv(timeout=5)) for _ in range(3 * len(healthy) + 1)]
    assert heard[:-1] == [part for block in healthy for part in (block.decode()[:-2] + "\r", "\n\r", "\n")]


@pytest.mark.parametrize("fault", ["bom", "line-ends", "glued", "no-last-blank-line", "event-field"])
def test_there_is_no_framing_where_nothing_is_framed(server: MockServer, fault: str) -> None:
    assert post(session(server, fault).base_url, WHOLE).field("x-mock-unfired") == fault


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"line-ends": "lf"}, "wanted one of crlf, cr, mixed, split-crlf"),
        ({"line-ends": {"kind": "cr", "gap": 1}}, "'gap' goes with split-crlf"),
        ({"bom": "end"}, "names no event"),
        ({"glued": "inside:content:1"}, "names no event"),
        ({"glued": {"line_ends": 2}}, "2"),
        ({"comment-lines": "a\nb"}, "one line"),
        ({"unknown-field": ""}, "not one line"),
        ({"multi-line-data": 1}, ">= 2"),
        ({"blank-lines": {"at": "byte:3"}}, "not between two events"),
        ({"retry-field": -1}, ">= 0"),
        ({"invalid-bytes": {"hex": "c3bc"}}, "valid UTF-8"),
        ({"invalid-bytes": {"hex": "xy"}}, "not hexadecimal"),
    ],
    ids=name_of,
)
def test_what_makes_no_sense_is_refused_at_load(fault: Any, told: str) -> None:
    with pytest.raises(AuthorError, match=told):
        load_use(fault, "profile")
