"""When each event of an answer is due."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from random import Random

from mockserver.answers import Request, Tokens
from mockserver.events import TOKENS
from mockserver.steps import Message, Step, Timeline, Wait
from mockserver.turns import Pace


def paced(messages: tuple[Message, ...], pace: Pace, random: Random, tokens: Tokens, request: Request) -> Timeline:
    """The messages with waits between them: token k is due at `ttft + (k−1)/tokens_per_second` (see `Pace`)."""
    if pace.instant:
        return messages
    return tuple(_steps(messages, pace, random, pace.prefill and pace.prefill * tokens.prompt_of(request)))


def _steps(messages: tuple[Message, ...], pace: Pace, random: Random, prefill: float) -> Iterator[Step]:
    gaps = _gaps(pace, random)
    first = pace.ttft + prefill
    if first:
        yield Wait(first)
    tokens = 0
    for message in messages:
        if message.mark in TOKENS and message.choice == 0:
            tokens += 1
            gap = next(gaps) if tokens > 1 else 0.0
            if gap:
                yield Wait(gap)
        yield message


def _gaps(pace: Pace, random: Random) -> Iterator[float]:
    """The time between two tokens, never negative."""
    constant = 1 / pace.tokens_per_second if pace.tokens_per_second else 0.0
    recorded = cycle(pace.gaps or (constant,))
    for gap in recorded:
        if not pace.jitter:
            yield gap
        elif pace.distribution == "normal":
            yield max(0.0, random.gauss(gap, gap * pace.jitter))
        else:
            yield max(0.0, gap * random.uniform(1 - pace.jitter, 1 + pace.jitter))
