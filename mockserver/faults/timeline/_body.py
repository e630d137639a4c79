"""The parts of a timeline that the faults of HTTP framing look for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mockserver.steps import Coding, Head, Message, Timeline


def with_head(timeline: Timeline, change: Callable[[Head], Head]) -> Timeline:
    """The timeline with its head changed; the same one where it has none or the change is none."""
    after = tuple(change(step) if isinstance(step, Head) else step for step in timeline)
    return timeline if after == timeline else after


def head_fields(timeline: Timeline, **fields: Any) -> Timeline:
    """The timeline with these fields of its head replaced."""
    return with_head(timeline, lambda head: replace(head, **fields))


def coded(timeline: Timeline, coding: Coding) -> Timeline:
    """The timeline with one more content coding around its body."""
    return with_head(timeline, lambda head: replace(head, codings=(*head.codings, coding)))


def framing_of(timeline: Timeline) -> str | None:
    """How the body is framed; None where nothing has a head."""
    return next((step.framing for step in timeline if isinstance(step, Head)), None)


def body_size(timeline: Timeline) -> int:
    """Bytes of the body before any coding."""
    return sum(len(step.data) for step in timeline if isinstance(step, Message))
