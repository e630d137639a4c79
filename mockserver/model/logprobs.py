"""Log probabilities that a model could have given: the chosen token is the likeliest, or nearly so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

from mockserver.answers import TokenLogprob

_OTHERS = (
    " the", " a", ",", ".", " and", " of", " to", " in", " is", " it", " that", " for", " with", " this", " as", " on", "\n", " The", " I",
    " we", " an", " be", " or", " not",
)  # fmt: skip
"""What else could have stood there; more than the 20 that may be asked for."""

_MOST_LIKELY = 0.85
"""How often the chosen token is the likeliest one; else it is the second."""


def logprobs(pieces: Sequence[str], random: Random, top: int = 0) -> tuple[TokenLogprob, ...]:
    """One entry for each token, with the `top` (0 to 20) likeliest at its place, best first; their probabilities add up to less than 1.

    The chosen token is among them, except where `top` is 1 and another was likelier.
    """
    return tuple(_entry(piece, random, top) for piece in pieces)


def _entry(piece: str, random: Random, top: int) -> TokenLogprob:
    best = random.random() < _MOST_LIKELY
    first = random.uniform(0.5, 0.9999)
    share = random.uniform(0.3, 0.7)
    probabilities = [first] + [(1 - first) * share * (1 - share) ** place for place in range(max(1, top - 1))]
    others = random.sample([other for other in _OTHERS if other != piece], len(probabilities) - 1)
    tokens = [piece, *others] if best else [others[0], piece, *others[1:]]
    likely = [(token, _log(probability)) for token, probability in zip(tokens, probabilities, strict=True)]
    return TokenLogprob(piece, likely[0 if best else 1][1], tuple(likely[:top]))


def _log(probability: float) -> float:
    return round(math.log(probability), 8)
