"""End lines with CRLF or CR in place of LF. All three are line ends of an event stream (WHATWG HTML §9.2.5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import cycle
from typing import ClassVar, Literal

from mockserver.channels import EVENT_STREAM, DialectName
from mockserver.faults.timeline._blocks import replaced
from mockserver.parameters import Seconds
from mockserver.scene import Scene
from mockserver.steps import Message, Step, Timeline, Wait

# Never CR before LF: the two would be one line end.
_MIXED = ((b"\n", b"\n"), (b"\r\n", b"\r\n"), (b"\r", b"\r"), (b"\n", b"\r\n"), (b"\r\n", b"\n"), (b"\n", b"\r"), (b"\r", b"\r\n"))


@dataclass(frozen=True)
class LineEnds:
    """kind: `mixed` changes from line to line; `split-crlf` is CRLF with every CR and its LF in different writes, chunks and
    messages, `gap` seconds apart."""

    dialects: ClassVar[frozenset[DialectName]] = EVENT_STREAM

    kind: Literal["crlf", "cr", "mixed", "split-crlf"] = "crlf"
    gap: Seconds = 0.0

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        pairs = cycle({"cr": ((b"\r", b"\r"),), "mixed": _MIXED}.get(self.kind, ((b"\r\n", b"\r\n"),)))

        def change(block: Message) -> Timeline:
            line, last = next(pairs)
            *lines, dispatch = block.data.splitlines(keepends=True)
            data = b"".join(re.sub(rb"\r?\n|\r", line, each) for each in lines) + re.sub(rb"\r?\n|\r", last, dispatch)
            whole = replace(block, data=data)
            return tuple(self._apart(whole)) if self.kind == "split-crlf" else (whole,)

        return replaced(timeline, change)

    def mistake(self) -> str | None:
        return f"'gap' goes with split-crlf, not with {self.kind}" if self.gap and self.kind != "split-crlf" else None

    def _apart(self, block: Message) -> Iterator[Step]:
        *parts, last = re.split(rb"(?<=\r)(?=\n)", block.data)
        for part in parts:
            yield replace(block, data=part, mark=None)
            yield Wait(self.gap)
        yield replace(block, data=last)
