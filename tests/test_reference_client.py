"""The Python reference client, over real sockets."""

from __future__ import annotations

import sys

import pytest

from conformance.reference.event_stream import EventStream
from tests.reference_suite import ROOT, Adapter, ReferenceClient, upstream
from tests.scripted_upstream import ANSWER, HELLO, LAST, SSE_HEAD, chunk, chunked, data


class TestPython(ReferenceClient):
    command = [sys.executable, str(ROOT / "conformance/reference/client.py")]  # noqa: RUF012


def events(*pieces: bytes) -> list[str]:
    parser = EventStream()
    return [event.data for piece in pieces for event in parser.feed(piece)]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        ("data: a\n\ndata: b\r\n\r\ndata: c\r\rdata: d\r\n\n", ["a", "b", "c", "d"]),
        ("\ufeffdata: é\u20ac\U0001f600\n\n", ["é\u20ac\U0001f600"]),
        ("\ufeff\ufeffdata: a\n\ndata: b\n\n", ["b"]),
        ("data\n\n", [""]),
        ("data\ndata\n\n", ["\n"]),
        ("data:\ta\ndata:  b\n: c\nid: 1\n\n", ["\ta\n b"]),
        ("event: x\n\nid: 1\n\n\n\ndata: a\r\n\r\n", ["a"]),
        (" data: a\nData: b\ndata\x00: c\n\n", []),
        ("data: a\n", []),
        ("data: a\u2028b\x0bc\x85\n\n", ["a\u2028b\x0bc\x85"]),
    ],
)
def test_an_event_stream_may_be_cut_anywhere(stream: str, expected: list[str]) -> None:
    whole = stream.encode()
    assert events(whole) == expected
    assert events(*(bytes([byte]) for byte in whole)) == expected
    for cut in range(len(whole)):
        assert events(whole[:cut], b"", whole[cut:]) == expected


MUTANT = """
from conformance.reference import client
from conformance.reference.event_stream import EventStream

class KeepsBom(EventStream):
    def strip_bom(self, text):
        return text

client.main(client.Parts(events=KeepsBom))
"""


def test_a_part_can_be_replaced() -> None:
    """The kit's mutants are this client with one part broken."""
    adapter = Adapter([sys.executable, "-c", MUTANT])
    with upstream([SSE_HEAD + chunked(b"\xef\xbb\xbf" + data(chunk("Hel"), *HELLO[2:])) + LAST], [ANSWER]) as server:
        assert adapter.ask(server)["text"] == "lo"
        assert adapter.ask(server)["text"] == "Hello"
    assert adapter.bye() == 0
