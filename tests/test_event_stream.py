"""The SSE parser reads as the WHATWG HTML standard says (§9.2.5 parsing, §9.2.6 interpreting)."""

from __future__ import annotations

import pytest

from mockserver.event_stream import ServerSentEvent, parse


def data(body: bytes) -> list[str | None]:
    return [event.data for event in parse(body)]


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b"", []),
        (b"\n\n\n", []),
        (b"data: a\n\ndata: b\n\n", ["a", "b"]),
        (b"data:a\n\n", ["a"]),
        (b"data:  a\n\n", [" a"]),
        (b"data: a \n\n", ["a "]),
        (b"data\n\n", [""]),
        (b"data:\n\n", [""]),
        (b"data: a\ndata: b\ndata\n\n", ["a\nb\n"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]),
        (b"data: a\r\rdata: b\r\r", ["a", "b"]),
        (b"data: a\r\n\ndata: b\n\r\n", ["a", "b"]),
        (b"\xef\xbb\xbfdata: a\n\n", ["a"]),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", [None]),
        (b"Data: a\n\n", [None]),
        (b" data: a\n\n", [None]),
        (b"data: a: b\n\n", ["a: b"]),
        (b"data: \xe2\x80\xa8\xc2\x85\x0b\x0c\n\n", ["\u2028\x85\x0b\x0c"]),
        (b"data: \xff\n\n", ["\ufffd"]),
        (b"event: x\n\n", [None]),
    ],
)
def test_data(body: bytes, wanted: list[str | None]) -> None:
    assert data(body) == wanted


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b": hello\n\n", ServerSentEvent(comments=("hello",))),
        (b":a\n: b\ndata: c\n\n", ServerSentEvent(data="c", comments=("a", "b"))),
        (b"event: done\ndata: [DONE]\n\n", ServerSentEvent("done", "[DONE]")),
        (b"event:\ndata: a\n\n", ServerSentEvent("message", "a")),
        (b"retry: 1500\ndata: a\n\n", ServerSentEvent(data="a", retry=1500)),
        (b"retry: 1.5\ndata: a\n\n", ServerSentEvent(data="a")),
        ("retry: ١\ndata: a\n\n".encode(), ServerSentEvent(data="a")),
        (b"id: 7\ndata: a\n\n", ServerSentEvent(data="a", id="7")),
        (b"id: 7\0\ndata: a\n\n", ServerSentEvent(data="a")),
        (b"foo: x\nbar\ndata: a\n\n", ServerSentEvent(data="a")),
        (b"data: cut", ServerSentEvent(data="cut", complete=False)),
        (b"data: cut\n", ServerSentEvent(data="cut", complete=False)),
    ],
)
def test_fields(body: bytes, wanted: ServerSentEvent) -> None:
    assert parse(body) == (wanted,)


def test_the_last_id_stays_until_it_is_changed() -> None:
    assert [event.id for event in parse(b"id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n")] == ["1", "1", ""]


def test_an_event_name_does_not_stay() -> None:
    assert [event.event for event in parse(b"event: x\ndata: a\n\ndata: b\n\n")] == ["x", "message"]


def test_lines_are_counted_from_1() -> None:
    assert [event.line for event in parse(b"data: a\r\n\r\n: c\r\r\r\ndata: b\ndata: b\n\ndata: d\n\n")] == [1, 3, 6, 9]
