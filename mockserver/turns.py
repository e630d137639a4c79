"""What one request of a session meets: the answer, its pace, the faults, the door."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any, Literal

from mockserver.doors import OPEN, Door

Stage = Literal["answer", "events", "timeline", "reactions"]
STAGES: tuple[Stage, ...] = ("answer", "events", "timeline", "reactions")


@dataclass(frozen=True, slots=True)
class Pace:
    """Content event k is due at `ttft + (k−1)/tokens_per_second` seconds after the request was read; 0 is unpaced.

    jitter: each gap is drawn from ±that share of it (uniform), or with `distribution: normal` has that relative standard
    deviation. prefill: seconds added to `ttft` per prompt token. gaps: recorded gaps in seconds, repeated in turn.
    """

    ttft: float = 0.0
    tokens_per_second: float = 0.0
    jitter: float = 0.0
    distribution: Literal["uniform", "normal"] = "uniform"
    prefill: float = 0.0
    gaps: tuple[float, ...] = ()

    def mistake(self) -> str | None:
        """What cannot be in these numbers, or None."""
        for name in ("ttft", "tokens_per_second", "jitter", "prefill"):
            if not 0 <= getattr(self, name) < inf:
                return f"'{name}' is {getattr(self, name)}: wanted a number ≥ 0"
        return "'gaps' has one that is negative or endless: wanted seconds ≥ 0" if any(not 0 <= gap < inf for gap in self.gaps) else None

    @property
    def instant(self) -> bool:
        return not (self.ttft or self.tokens_per_second or self.prefill or self.gaps)


UNPACED = Pace()


@dataclass(frozen=True, slots=True)
class Use:
    """A fault as a turn uses it: drawn with probability `chance` (0 to 1)."""

    name: str
    stage: Stage
    fault: Callable[..., Any]
    chance: float = 1.0


def acts_early(use: Use) -> bool:
    """Whether the fault acts while the request is still being read."""
    return getattr(getattr(use.fault, "at", None), "name", "") == "request"


@dataclass(frozen=True, slots=True)
class Turn:
    """`answer` is the profile's script (None: generated); `faults` stand in the order of the stages.

    `early`: a fault acts while the request is still being read, so it is answered before its body was.
    """

    answer: Mapping[str, Any] | None = None
    pace: Pace | None = None
    faults: tuple[Use, ...] = ()
    door: Door = OPEN
    early: bool = False

    @property
    def plain(self) -> bool:
        """No fault, which may depend on chance, and no capture: the plan may be kept for the next equal request."""
        return not self.faults and not (self.answer and "replay" in self.answer)


HEALTHY = Turn()
After = Literal["stay", "repeat", "fail"]


@dataclass(frozen=True, slots=True)
class Script:
    """The turns of a session and what comes after the last: `stay` on it, `repeat` from the first, or `fail`."""

    turns: tuple[Turn, ...] = (HEALTHY,)
    after: After = "stay"
    plain: bool = field(init=False, compare=False, default=True)
    """Whether all turns are."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "plain", all(turn.plain for turn in self.turns))

    def turn(self, number: int) -> Turn | None:
        """The turn of the `number`th request (from 0); None when the script is over and `after` is fail."""
        if number < len(self.turns):
            return self.turns[number]
        if self.after == "fail":
            return None
        return self.turns[number % len(self.turns) if self.after == "repeat" else -1]


@dataclass(frozen=True, slots=True)
class Chaos:
    """A turn that any request of the server meets besides its own, with probability `chance` (0 to 1)."""

    turn: Turn
    chance: float

    def added_to(self, turn: Turn) -> Turn:
        """Its faults act after the turn's own; its answer and pace stand in where the turn has none."""
        return replace(
            turn, answer=turn.answer or self.turn.answer, pace=turn.pace or self.turn.pace, faults=(*turn.faults, *self.turn.faults)
        )
