"""Recorded answers played again: byte for byte, at their own times, and with places that faults can name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mockserver.answers import Capture, Piece
from mockserver.author_errors import AuthorError, Mistake
from mockserver.events import Mark
from mockserver.heard import Heard
from mockserver.recording import Stream, read
from mockserver.steps import ADDED, End, HangUp, Head, Message, Reset, Stall, Step, Timeline, Wait

FRAMING = frozenset({"transfer-encoding", "content-length", "connection", "keep-alive", "date"})
"""Fields of the connection that was recorded, not of the answer."""

ENDINGS: dict[str, Step] = {"end": End(), "hang-up": HangUp(), "reset": Reset(), "stall": Stall()}

GZIP = b"\x1f\x8b"
"""RFC 1952 §2.3.1. `curl --compressed` writes the field though it has decoded the body."""

_EVENT_END = re.compile(rb"(?:\r\n|\n|\r)(?:\r\n|\n|\r)")


def capture(path: Path | str, line: int | None = None) -> Capture:
    """One recorded answer: what `streamproof record` wrote, a `curl -iN` dump, a raw body, or a line of recordings.

    `line` is the number, from 1, of the line in a file of several; without it the first is played. Raises OSError, and
    AuthorError for what is no recording.
    """
    return _captured(_chosen(read(Path(path)), str(path), line))


def _chosen(streams: list[Stream], source: str, line: int | None) -> Stream:
    if line is None and streams:
        return streams[0]
    found = [stream for stream in streams if stream.source == f"{source}:{line}"]
    if not found:
        lines = ", ".join(stream.source.rpartition(":")[2] for stream in streams[:20])
        raise AuthorError([Mistake(source, line or 1, f"no recorded answer in this line; there is one in each of: {lines or 'none'}")])
    return found[0]


def _captured(stream: Stream) -> Capture:
    fields = stream.fields or tuple((stream.headers or {"content-type": _content_type(stream.body)}).items())
    if not stream.body.startswith(GZIP):
        fields = tuple((name, value) for name, value in fields if name.lower() != "content-encoding")
    pieces = stream.pieces or ((Piece(0.0, stream.body),) if stream.body else ())
    return Capture(stream.status, fields, pieces, stream.ended, stream.ended_at)


def _content_type(body: bytes) -> str:
    return "application/json" if body.lstrip().startswith((b"{", b"[")) else "text/event-stream; charset=utf-8"


def capture_timeline(capture: Capture, over_http: bool) -> Timeline:
    """The steps of a recorded answer. A piece leaves in one write, as it came; in it each event is a message with its mark."""
    return (*((_head(capture),) if over_http and capture.status else ()), *_pieces(capture), ENDINGS[capture.ended])


def _head(capture: Capture) -> Head:
    """With the fields as they came: what the server would add by the same name is not added."""
    fields = tuple((name, value) for name, value in capture.headers if name.lower() not in FRAMING)
    head = Head(capture.status, fields, without=ADDED & {name.lower() for name, _ in fields})
    announced = _field(capture, "content-length")
    if not announced.isdecimal():
        return head
    return replace(head, framing="length", declared=None if capture.ended == "end" else int(announced))


def _field(capture: Capture, name: str) -> str:
    return next((value for each, value in capture.headers if each.lower() == name), "")


def _pieces(capture: Capture) -> Iterator[Step]:
    now, begun, streamed = 0.0, b"", "event-stream" in _field(capture, "content-type")
    for piece in capture.pieces:
        yield Wait(max(0.0, piece.at - now))
        now = max(now, piece.at)
        for part, ends in _at_events(begun, piece.data) if streamed else ((piece.data, False),):
            begun += part
            yield Message(part, mark_of(begun) if ends else None if streamed else "content")
            begun = b"" if ends else begun
    if capture.ended_at > now:
        yield Wait(capture.ended_at - now)


def _at_events(begun: bytes, data: bytes) -> Iterator[tuple[bytes, bool]]:
    """The parts of a piece, and whether an event ends with each; `begun` is what came of the first event before."""
    whole, start = begun + data, len(begun)
    for match in _EVENT_END.finditer(whole, max(0, start - 3)):
        if match.end() > start:
            yield whole[start : match.end()], True
            start = match.end()
    if start < len(whole):
        yield whole[start:], False


def mark_of(block: bytes) -> Mark:
    """What an event of somebody's stream means: the mark our own event of that kind has."""
    heard = Heard(block)
    if not heard.events:
        return "comment"
    event = heard.events[0]
    if event.data.strip() == "[DONE]":
        return "done"
    if heard.error is not None:
        return "error"
    delta = next((each for choice in heard.choices.values() for each in choice), None)
    if delta is None:
        return "usage" if event.chunk.get("usage") else "other"
    if delta.said("content") or delta.said("refusal"):
        return "content"
    if any(delta.calls()):
        return "tool"
    if delta.said("reasoning_content") or delta.said("reasoning"):
        return "reasoning"
    return "finish" if delta.finish is not None else "opening"
