"""Several requests on one WebSocket: each message of an answer says to which it belongs."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from mockserver.steps import Message, Step

S = TypeVar("S", bound=Step)


def laned(steps: tuple[S, ...], stream_id: str | None) -> tuple[S, ...]:
    """The same steps, `stream_id` added to every message that is a JSON object. Without one nothing changes."""
    if stream_id is None:
        return steps
    member = b'"stream_id":"%b"}' % stream_id.encode()
    return tuple(replace(step, data=_with(step.data, member)) if isinstance(step, Message) else step for step in steps)


def _with(data: bytes, member: bytes) -> bytes:
    if not data.startswith(b"{") or not data.endswith(b"}"):
        return data
    rest = data[:-1].rstrip()
    return rest + (b"" if rest == b"{" else b",") + member
