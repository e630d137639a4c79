"""The labels of keys that journals show, on which all processes agree; the store knows keys only by a digest."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from mockserver.redis_line import Line
from mockserver.sessions import Session


def digest(key: str) -> str:
    """A key as the store knows it."""
    return sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:32]


async def agree(line: Line, session: Session, keys: Iterable[str]) -> None:
    """Agree on the labels of these keys in a session, also in one that lives here. Raises StoreLost."""
    named = tuple(keys)
    answer = await line.script("visit", line.root, session.key, session.generation, "", 0, "", "", *map(digest, named))
    for name, label in zip(named, answer[4] if answer else (), strict=bool(answer)):
        session.journal.agree(name, label)
