"""The whole product in one pure function: a request, an answer and a turn become a timeline and reactions.

All chance comes from `Random(seed of the session, number of the turn, index of the fault)`; all time is data (`Wait`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from random import Random
from typing import Any, TypeVar

from mockserver.answers import Answer, ApiError, Headers, Identity, Plain, Reply, Request, Tokens
from mockserver.dialects._dialect import Dialect
from mockserver.events import Events
from mockserver.flavours._flavour import Flavour
from mockserver.lanes import laned
from mockserver.pacing import paced
from mockserver.reactions import Reactions
from mockserver.scene import Scene
from mockserver.steps import BodyFraming, End, Head, Message, Timeline
from mockserver.turns import UNPACED, Pace, Stage, Turn, acts_early

STEP_BYTES = 100
"""About what a step takes besides its data."""


@dataclass(frozen=True)
class Plan:
    """Everything the server will do for one request.

    `cancelled` is what follows when the client cancels; `fired` and `unfired` name the faults that were drawn: a fault is
    unfired when it has no meaning in this dialect or found nothing to act on.
    """

    answer: Answer
    timeline: Timeline
    reactions: Reactions = field(default_factory=Reactions)
    cancelled: Timeline = ()
    fired: tuple[str, ...] = ()
    unfired: tuple[str, ...] = ()

    @cached_property
    def weight(self) -> int:
        """About how many bytes of memory the timeline takes."""
        return sum(STEP_BYTES + len(getattr(step, "data", b"")) for step in self.timeline)


@dataclass(frozen=True, slots=True)
class Setting:
    """Who answers whom: constant over one request. `lane` is the request's `stream_id` on a shared WebSocket; see `Scene` for
    `now` and `other_origin`."""

    request: Request
    flavour: Flavour
    dialect: Dialect
    identity: Identity
    headers: Headers = ()
    pace: Pace = UNPACED
    seed: object = 0
    number: int = 0
    lane: str | None = None
    now: float = 0.0
    other_origin: str | None = None


def plan(answer: Answer, turn: Turn, setting: Setting) -> Plan:
    """Apply the turn's faults stage by stage and write the answer down as steps."""
    faults = _Faults(turn, setting)
    answer = faults.rewrite("answer", answer)
    timeline = _timeline(answer, turn, setting, faults)
    timeline = faults.rewrite("timeline", timeline)
    reactions = faults.rewrite("reactions", Reactions())
    cancelled = laned(setting.dialect.cancelled(setting.request), setting.lane)
    return Plan(answer, timeline, reactions, cancelled, tuple(faults.fired), tuple(faults.unfired))


def reactions_of(turn: Turn, setting: Setting) -> Reactions:
    """The reactions alone, for what the server must know before it reads the request."""
    faults = _Faults(turn, setting)
    reactions = faults.rewrite("reactions", Reactions())
    return replace(reactions, early=True) if any(acts_early(use) for use, _ in faults.drawn) else reactions


def handshake_answer(turn: Turn, setting: Setting) -> ApiError | Plain | None:
    """The HTTP answer that a turn gives to a WebSocket handshake, or None if its first message is to be waited for.

    That is an error of its door, or of a fault whose class says `http = True`; chance falls as it would for the message.
    """
    if turn.door.error is not None:
        return turn.door.error
    faults = _Faults(turn, setting)
    faults.drawn = [(use, scene) for use, scene in faults.drawn if getattr(use.fault, "http", False)]
    answer: Answer = faults.rewrite("answer", NOTHING)
    return answer if isinstance(answer, ApiError | Plain) else None


NOTHING = Reply((), Tokens(), "")
V = TypeVar("V")


class _Faults:
    """The turn's faults with their luck drawn, and what became of each."""

    def __init__(self, turn: Turn, setting: Setting) -> None:
        self.drawn = []
        self.fired: list[str] = []
        self.unfired: list[str] = []
        for index, use in enumerate(turn.faults):
            random = Random(f"{setting.seed}/{setting.number}/{index}")
            if use.chance >= 1 or random.random() < use.chance:
                scene = Scene(setting.request, setting.flavour, setting.dialect.name, random, setting.now, setting.other_origin)
                self.drawn.append((use, scene))

    def rewrite(self, stage: Stage, value: V) -> V:
        for use, scene in self.drawn:
            if use.stage != stage:
                continue
            dialects: frozenset[str] = getattr(use.fault, "dialects", frozenset({scene.dialect}))
            after = use.fault(value, scene) if scene.dialect in dialects else value
            (self.unfired if after is value else self.fired).append(use.name)
            value = after
        return value

    def skip(self, stage: Stage) -> None:
        """The answer has nothing this stage could rewrite."""
        self.unfired += [use.name for use, _ in self.drawn if use.stage == stage]


def _timeline(answer: Answer, turn: Turn, setting: Setting, faults: _Faults) -> Timeline:
    flavour, dialect, headers = setting.flavour, setting.dialect, setting.headers
    if isinstance(answer, Reply):
        events = faults.rewrite("events", _spoken(answer, setting))
        luck = Random(f"{setting.seed}/{setting.number}/pace")
        messages = paced(laned(dialect.write(events), setting.lane), turn.pace or setting.pace, luck, answer.tokens, setting.request)
        return (*dialect.begin(headers), *messages, *dialect.end())
    faults.skip("events")
    if isinstance(answer, ApiError):
        return laned(dialect.refuse(answer, flavour, headers), setting.lane)
    if isinstance(answer, Plain):
        return plain_timeline(answer, headers)
    from mockserver.replay import capture_timeline

    return capture_timeline(answer, bool(dialect.begin(())))


def _spoken(reply: Reply, setting: Setting) -> Events:
    if setting.dialect.name != "json":
        return setting.flavour.speak(setting.request, reply, setting.identity)
    from mockserver.events import Chunk

    body: Mapping[str, Any] = setting.flavour.whole(setting.request, reply, setting.identity)
    return (Chunk("content", body),)


def plain_timeline(answer: Plain, headers: Headers = ()) -> Timeline:
    """A response that is neither a reply nor an API error."""
    content_type = (("content-type", answer.content_type),) if answer.content_type else ()
    # RFC 9110 §15.3.5, §15.4.5: 204 and 304 have no content.
    framing: BodyFraming = "none" if answer.status in (204, 304) else answer.framing
    head = Head(answer.status, (*content_type, *headers, *answer.headers), framing=framing)
    body = (Message(answer.body, "content"),) if answer.body and framing != "none" else ()
    return (head, *body, End())
