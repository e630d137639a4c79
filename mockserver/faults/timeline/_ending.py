"""A timeline that stops at a place, for the faults that end an answer."""

from __future__ import annotations

from dataclasses import replace

from mockserver.faults.timeline._body import body_size
from mockserver.places import Place, split
from mockserver.steps import Ending, Head, Step, Timeline


def ending_at(timeline: Timeline, at: Place, ending: Ending) -> Timeline:
    """Everything up to the place, then the ending; the same timeline where it has no such place.

    The body stays unfinished: a Content-Length still announces all of it.
    """
    parts = split(timeline, at)
    if parts is None:
        return timeline
    length = body_size(timeline)
    return (*(_announcing(step, length) for step in parts[0]), ending)


def _announcing(step: Step, length: int) -> Step:
    unknown = isinstance(step, Head) and step.framing == "length" and step.declared is None
    return replace(step, declared=length) if isinstance(step, Head) and unknown else step
