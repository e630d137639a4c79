"""text/event-stream: UTF-8, BOM, line ends, fields, dispatch."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import NamedTuple

from conformance.reference.failure import Failure


class Event(NamedTuple):
    """`strays` are the block's lines that are no field of ours: ignored, but worth a look when the data makes no sense."""

    data: str
    name: str = "message"
    strays: tuple[str, ...] = ()


class EventStream:
    """text/event-stream, byte by byte if need be: WHATWG HTML §9.2.5 and §9.2.6."""

    LINE_END = re.compile("\r\n|\r|\n")
    MOST = 64 * 1024 * 1024
    """Characters of one event."""

    def __init__(self) -> None:
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.started = False
        self.after_cr = False
        self.partial: list[str] = []
        self.size = 0
        self.forget()

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events these bytes complete."""
        for line in self.lines(self.strip_bom(self.decode(data))):
            if not line:
                yield from self.dispatch()
            else:
                self.take(line)

    def end(self) -> Iterator[Event]:
        """The stream is over: what no blank line has ended is not an event."""
        return iter(())

    def decode(self, data: bytes) -> str:
        return self.decoder.decode(data)

    def strip_bom(self, text: str) -> str:
        if text and not self.started:
            self.started = True
            return text.removeprefix("\ufeff")
        return text

    def lines(self, text: str) -> Iterator[str]:
        """Whole lines. A CR ends its line at once; the LF that may follow it, even in the next piece, belongs to it."""
        if not text:
            return
        if self.after_cr and text[0] == "\n":
            text = text[1:]
        self.after_cr = text[-1:] == "\r"
        *whole, rest = self.LINE_END.split(text)
        for line in whole:
            self.partial.append(line)
            line = "".join(self.partial)
            self.partial.clear()
            yield line
        if rest:
            self.partial.append(rest)
            self.grow(len(rest))

    def grow(self, count: int) -> None:
        self.size += count
        if self.size > self.MOST:
            raise Failure("parse", f"an event of more than {self.MOST} characters")

    def take(self, line: str) -> None:
        if line.startswith(":"):
            return
        name, _, value = line.partition(":")
        self.field(name, self.trim(value), line)

    def trim(self, value: str) -> str:
        return value.removeprefix(" ")

    def field(self, name: str, value: str, line: str) -> None:
        if name == "data":
            self.grow(len(value))
            self.data.append(value)
        elif name == "event":
            self.name = value
        elif name not in ("id", "retry"):  # nobody reconnects to a POST, so these two mean nothing here
            self.strays.append(line)

    def dispatch(self) -> Iterator[Event]:
        if self.data:
            yield Event("\n".join(self.data), self.name or "message", tuple(self.strays))
        self.forget()

    def forget(self) -> None:
        self.data: list[str] = []
        self.strays: list[str] = []
        self.name = ""
        self.size = 0
