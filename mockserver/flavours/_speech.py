"""An answer while it is being said: what every flavour tells apart before it gives it its own JSON."""

from __future__ import annotations

import string
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import zip_longest
from json.encoder import JSONEncoder, encode_basestring
from random import Random
from typing import Any, Literal

from mockserver.answers import FinishReason, Identity, Reply, Request, Usage
from mockserver.events import Mark

BASE62 = string.digits + string.ascii_letters
BASE32 = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's alphabet, as ULIDs use it."""
HEX = "0123456789abcdef"

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Speech:
    """One reply to one request under one identity."""

    request: Request
    reply: Reply
    identity: Identity
    sizes: dict[int, int] = field(default_factory=dict, compare=False)
    """Per choice: the characters of a content chunk without its text (all of them are alike but for that)."""

    @property
    def usage(self) -> Usage:
        return self.reply.tokens.usage(self.request)


@dataclass(frozen=True, slots=True)
class Said:
    """One delta of one choice. `text` is the piece a content delta consists of and nothing else."""

    mark: Mark
    index: int
    delta: Json
    text: str | None = None
    logprobs: Json | None = None
    finish: FinishReason | None = None
    place: Literal["first", "last"] | None = None
    """Some providers add keys to the first chunk of a stream, or to the one that ends the last choice."""


def interleaved(choices: Iterable[Iterable[Said]]) -> list[Said]:
    """The choices' deltas in turns: the first of each, the second of each, …; so the stream begins with choice 0."""
    said = [each for turn in zip_longest(*choices) for each in turn if each is not None]
    if said:
        said[0], said[-1] = replace(said[0], place="first"), replace(said[-1], place="last")
    return said


def letters(random: Random, alphabet: str, length: int) -> str:
    """`length` characters drawn from `alphabet` (of ASCII); a byte a character, for an id is drawn for every answer."""
    return random.randbytes(length).translate(_table(alphabet)).decode("ascii")


@cache
def _table(alphabet: str) -> bytes:
    return (alphabet.encode("ascii") * (256 // len(alphabet) + 1))[:256]


def uuid(random: Random) -> str:
    """A random UUID's text (RFC 9562 §4), 36 characters."""
    drawn = letters(random, HEX, 32)
    return "-".join((drawn[:8], drawn[8:12], drawn[12:16], drawn[16:20], drawn[20:]))


def derived(text: str, alphabet: str, length: int) -> str:
    """`length` characters of `alphabet` that follow from `text` alone, so that equal answers get equal marks."""
    return letters(Random(zlib.crc32(text.encode("utf-8", "surrogatepass"))), alphabet, length)


_compact = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def size(value: object) -> int:
    """The characters of a value's compact JSON text."""
    return len(_compact(value))


def text_size(text: str) -> int:
    """The characters of a string's JSON text, quotes included."""
    return len(encode_basestring(text))


def hashed_fingerprint(model: str) -> str:
    """The `system_fingerprint` of a provider that always has one, where the reply has none."""
    return f"fp_{derived(model, HEX, 10)}"
