"""A timeline that stops at a place, for the faults that end an answer."""

from __future__ import annotations

from mockserver.places import Place, split
from mockserver.steps import Ending, Timeline


def ending_at(timeline: Timeline, at: Place, ending: Ending) -> Timeline:
    """Everything up to the place, then the ending; the same timeline where it has no such place."""
    parts = split(timeline, at)
    return timeline if parts is None else (*parts[0], ending)
