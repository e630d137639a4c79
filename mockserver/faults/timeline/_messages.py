"""A timeline whose messages are sent in another way, for the faults of WebSocket framing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mockserver.places import Place, split
from mockserver.steps import Frame, FrameKind, Message, Step, Timeline, Wait

Steps = tuple[Step, ...]


def rewritten(timeline: Timeline, at: Place | None, rewrite: Callable[[Message], Steps | None]) -> Timeline:
    """Every message, or only the one that ends at a place, as `rewrite` says; None leaves it. The same timeline if all are left."""
    if at is None:
        return _replaced(timeline, rewrite)
    parts = split(timeline, at)
    if parts is None or not parts[0] or not isinstance(parts[0][-1], Message):
        return timeline
    (*before, message), after = parts
    new = _replaced((message,), rewrite)
    return timeline if new == (message,) else (*before, *new, *after)


def _replaced(timeline: Timeline, rewrite: Callable[[Message], Steps | None]) -> Timeline:
    new = tuple(rewrite(step) if isinstance(step, Message) and step.total is None else None for step in timeline)
    if not any(new):
        return timeline
    return tuple(each for step, steps in zip(timeline, new, strict=True) for each in (steps or (step,)))


def frame_of(message: Message, kind: FrameKind | None = None) -> Frame:
    """A message as a frame whose bits can be told."""
    own: FrameKind = "binary" if message.binary else "text"
    return Frame(kind or own, message.data, mark=message.mark, choice=message.choice)


def fragments(message: Message, cuts: list[int]) -> tuple[Frame, ...]:
    """A message fragmented at these bytes (RFC 6455 §5.4): the first frame says its kind, the last one ends it."""
    bounds = [0, *cuts, len(message.data)]
    whole = frame_of(message)
    last = len(bounds) - 2
    return tuple(
        Frame(
            whole.kind if number == 0 else "continuation",
            message.data[bounds[number] : bounds[number + 1]],
            fin=number == last,
            mark=message.mark if number == last else None,
            choice=message.choice,
        )
        for number in range(last + 1)
    )


def grouped(timeline: Timeline, count: int, together: Callable[[tuple[Message, ...]], Steps]) -> Timeline:
    """Every `count` messages as `together` says, due when the last of them was; the same timeline if there are not two."""
    after = tuple(_grouped(timeline, count, together))
    return timeline if sum(isinstance(step, Message) for step in timeline) < 2 or count < 2 else after


def _grouped(timeline: Timeline, count: int, together: Callable[[tuple[Message, ...]], Steps]) -> Iterator[Step]:
    group: list[Message] = []
    waited = 0.0
    for step in timeline:
        if isinstance(step, Wait):
            waited += step.seconds
        elif isinstance(step, Message):
            group.append(step)
            if len(group) == count:
                yield Wait(waited)
                yield from together(tuple(group))
                group, waited = [], 0.0
        else:
            yield Wait(waited)
            yield from together(tuple(group)) if group else ()
            group, waited = [], 0.0
            yield step
    yield from together(tuple(group)) if group else ()
