"""Whether the server did what it had planned: a kit that breaks its own promise must not blame the client."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mockserver.journal import Journal, RequestEntry
from mockserver.steps import End, Ending, Frame, HangUp, Message, Pulse, Raw, Reset, Stall, Timeline, Vanish


def kit_errors(journals: Iterable[Journal]) -> tuple[str, ...]:
    """Every difference between the wire log and the plan, in words."""
    return tuple(error for journal in journals for entry in journal.requests for error in _errors(entry))


def _errors(entry: RequestEntry) -> Iterator[str]:
    if entry.plan is None or entry.ended_at is None:
        return
    planned = planned_messages(entry.plan.timeline)
    if entry.messages > planned:
        yield f"request {entry.request}: {entry.messages} messages were written, {planned} were planned"
    ending = planned_ending(entry.plan.timeline)
    cut_short = entry.ended_by != "server" or any(event.what in ("cancelled", "lagging", "broken") for event in entry.happenings)
    closed_by_rule = entry.ended_how == "close" != ending
    if cut_short or closed_by_rule:
        return
    if entry.messages < planned:
        yield f"request {entry.request}: {planned} messages were planned, {entry.messages} were written"
    if entry.ended_how != ending:
        yield f"request {entry.request}: the plan ends with {ending}, the server ended with {entry.ended_how}"
    early = [write for write in entry.writes if write.at < write.due - 0.002]
    if early:
        yield f"request {entry.request}: a write was made {(early[0].due - early[0].at) * 1000:.1f} ms before it was due"


def planned_ending(timeline: Timeline) -> str:
    """The step that ends the answer, as the journal calls it: what a timeline does after it, as to hang up, is the connection's."""
    last = next((step for step in timeline if isinstance(step, Ending)), None)
    closes = isinstance(last, End) and (last.close is not None or last.bare)
    return "end" if last is None else "close" if closes else type(last).__name__.lower()


def planned_messages(timeline: Timeline) -> int:
    """How many events a timeline says before it ends."""
    count = 0
    for step in timeline:
        if isinstance(step, Message | Raw | Frame) and step.mark is not None:
            count += 1
        elif isinstance(step, HangUp | Reset | Stall | Pulse | Vanish):
            break
    return count
