"""Prose that a model could have written."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from random import Random

from mockserver.model.believable import in_locale
from mockserver.model.sentences import CITIES, COMPANIES, LANGUAGES, NAMES
from mockserver.tokens import count

SHORTEST, LONGEST = 20, 120
"""How long an answer is, in tokens, unless the request sets a limit."""


def prose(random: Random, language: str = "en") -> str:
    """A few sentences about one person, one company and one place, 20 to 120 tokens long."""
    wanted = random.randint(SHORTEST, LONGEST - 20)
    said: list[str] = []
    length = 0
    for filled in _sentences(random, language):
        tokens = count(filled)
        if length >= SHORTEST and length + tokens > LONGEST:
            break
        said.append(filled)
        length += tokens
        if length >= wanted:
            break
    return LANGUAGES[language].between.join(said)


def sentence(random: Random, language: str = "en") -> str:
    """One sentence."""
    return next(_sentences(random, language))


def _sentences(random: Random, language: str) -> Iterator[str]:
    """All sentences of a language in any order, about the same person, company and place."""
    sentences = LANGUAGES[language].sentences or _lorem(language)
    slots = dict(zip(("name", "city", "company"), map(random.choice, _material(language)), strict=True))
    for pattern in random.sample(sentences, len(sentences)):
        yield pattern.format_map(slots | {"number": random.randint(3, 90)}) if "{" in pattern else pattern


@cache
def _material(language: str) -> tuple[tuple[str, ...], ...]:
    """Names, cities and companies of a language: always the same, so that the answer's own random numbers choose."""
    if language == "en":
        return NAMES, CITIES, COMPANIES
    random = Random(language)
    return tuple(tuple(str(in_locale(LANGUAGES[language].locale, what, random)) for _ in range(32)) for what in ("name", "city", "company"))


@cache
def _lorem(language: str) -> tuple[str, ...]:
    random = Random(language)
    return tuple(str(in_locale(LANGUAGES[language].locale, "sentence", random)) for _ in range(24))
