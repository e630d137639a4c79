"""Timelines as steps with absolute times, for the faults that move them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mockserver.steps import Step, Timeline, Wait

Timed = tuple[float, Step]


def timed(timeline: Timeline) -> Iterator[Timed]:
    """Each step but the waits, with its due time in seconds."""
    due = 0.0
    for step in timeline:
        if isinstance(step, Wait):
            due += step.seconds
        else:
            yield due, step


def waited(steps: Iterable[Timed]) -> Iterator[Step]:
    """Steps with due times, which must not fall, as a timeline."""
    now = 0.0
    for due, step in steps:
        if due > now:
            yield Wait(due - now)
            now = due
        yield step
