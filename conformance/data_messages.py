"""The data messages of a WebSocket timeline, as a reader puts them together that keeps to RFC 6455."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mockserver.steps import End, Frame, HangUp, Message, Pulse, Raw, Reset, Stall, Step, Timeline, Vanish


def data_messages(timeline: Timeline) -> Iterator[bytes]:
    """Every message that is whole, up to the close frame, to what ends the connection, or to what breaks the protocol: a
    reader fails the connection there (RFC 6455 §7.1.7)."""
    reader = _Reader()
    for step in timeline:
        if reader.breaks(step) or _is_last(step):
            return
        whole = reader.take(step)
        if whole is None:
            continue
        if not reader.binary and not _is_utf8(whole):
            return
        yield whole


def _is_last(step: Step) -> bool:
    if isinstance(step, End):
        return step.close is not None or step.bare
    return isinstance(step, HangUp | Reset | Stall | Pulse | Vanish)


@dataclass(slots=True)
class _Reader:
    """A message in the making: its bytes so far, those that its frame has announced and that have not come, and whether that
    frame is its last."""

    parts: list[bytes] = field(default_factory=list)
    owed: int = 0
    final: bool = True
    binary: bool = False

    def breaks(self, step: Step) -> bool:
        """Reserved bits, a mask, a frame inside another, bytes that belong to none (§5.1, §5.2)."""
        if isinstance(step, Message):
            return bool(self.owed) and not step.offset
        if isinstance(step, Frame):
            return bool(step.rsv or step.mask is not None or self.owed) or step.kind == "close"
        return isinstance(step, Raw) and len(step.data) > self.owed

    def take(self, step: Step) -> bytes | None:
        """The message that this step makes whole."""
        if isinstance(step, Message):
            self.final, self.binary = True, step.binary
            return self._with(step.data, 0 if step.total is None else step.total - step.offset - len(step.data))
        if isinstance(step, Raw):
            return self._with(step.data, self.owed - len(step.data))
        # Of a frame that is sent in pieces only the last one counts; control frames stand beside the messages.
        if not isinstance(step, Frame) or step.stop is not None or step.kind not in ("text", "binary", "continuation"):
            return None
        self.final = step.fin
        self.binary = step.kind == "binary" if step.kind != "continuation" else self.binary
        return self._with(step.data, 0 if step.declared is None else step.declared - len(step.data))

    def _with(self, data: bytes, owed: int) -> bytes | None:
        self.parts.append(data)
        self.owed = owed
        if owed > 0 or not self.final:
            return None
        whole, self.parts = b"".join(self.parts), []
        return whole


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
