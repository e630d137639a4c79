"""Every shipped profile is played to its end, turn by turn, on every dialect it claims. The clock runs fast, and all at once.

What a connection meets at its door is no part of this: no request has come yet.
"""

from __future__ import annotations

import asyncio
import json
import os
from base64 import b64encode
from typing import Any
from urllib.parse import urlsplit

import pytest

from mockserver.app import App
from mockserver.channels import DialectName
from mockserver.journal import RequestEntry
from mockserver.profiles import Profile, Shelf
from mockserver.session_options import SessionOptions
from mockserver.sessions import Session
from mockserver.settings import Settings
from mockserver.steps import End, Frame, HangUp, Message, Pulse, Raw, Reset, Stall, Step, Vanish, WaitFor
from tests import fast_clock

SPEED = 60.0
"""The longest profile lasts ten minutes."""
PATIENCE = 900.0
"""Seconds of the fast clock after which a turn counts as not played."""

SHELF = Shelf()
PLAYED = sorted((name, dialect) for name in SHELF.names() for dialect in SHELF.profile(name).dialects if not SHELF.profile(name).needs_port)
PARTS = 4
ATTEMPTS = 3
"""A second of a busy machine is a minute here: a reaper may come before the request was read, and the turn is still there."""


@pytest.mark.parametrize("part", range(PARTS))
def test_every_profile_plays_to_its_end(part: int) -> None:
    assert fast_clock.run(_play(PLAYED[part::PARTS]), SPEED) == []


async def _play(pairs: list[tuple[str, DialectName]]) -> list[str]:
    """What did not go as it was written."""
    async with App(Settings(host=("127.0.0.1",), port=0, seed=5), SHELF) as app:
        crowd = asyncio.Semaphore(100)

        async def one(name: str, dialect: DialectName) -> list[str]:
            async with crowd:
                return [f"{name} on {dialect}: {flaw}" for flaw in await _profile(app, SHELF.profile(name), dialect)]

        found = await asyncio.gather(*(one(name, dialect) for name, dialect in pairs))
        return [flaw for flaws in found for flaw in flaws]


async def _profile(app: App, profile: Profile, dialect: DialectName) -> list[str]:
    session = app.upstream.open(SessionOptions(profile.script, profile.name))
    flaws = []
    for number in range(len(profile.script.turns)):
        try:
            async with asyncio.timeout(PATIENCE):
                for _ in range(ATTEMPTS):
                    if session.taken <= number:
                        await _turn(app, session, dialect, number)
        except TimeoutError:
            flaws.append(f"turn {number + 1} was not over in its time")
        entries = [entry for entry in session.journal.requests if entry.turn == number]
        flaws += _judged(entries[-1], session) if entries else [f"turn {number + 1} was not taken"]
    app.upstream.close(session)
    return flaws


def _judged(entry: RequestEntry, session: Session) -> list[str]:
    """What the journal says against what was planned. A reaction may cut an answer short, as the idle limit of a WebSocket does."""
    wanted = _planned(entry)
    if entry.messages >= wanted or entry.happenings or _idled(entry, session):
        return []
    return [f"turn {entry.turn}: {entry.messages} of {wanted} events were written, then {entry.ended_how}"]


def _idled(entry: RequestEntry, session: Session) -> bool:
    connection = next(each for each in session.journal.connections if each.connection == entry.connection)
    return bool(connection.close_reason == entry.plan.reactions.idle.reason)


def _planned(entry: RequestEntry) -> int:
    """How many events the timeline says; a handshake that is refused has none."""
    timeline = () if entry.plan is None else entry.plan.timeline
    return sum(isinstance(step, Message | Raw | Frame) and step.mark is not None for step in timeline)


async def _turn(app: App, session: Session, dialect: DialectName, number: int) -> None:
    """Ask once, and leave when the turn is over or nothing more can come."""
    url = urlsplit(app.base_url_of(session))
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    reading = asyncio.ensure_future(_read(reader))
    try:
        writer.write(_http(url.path, dialect) if dialect in ("sse", "json") else _websocket(url.path, dialect))
        while not _over(session, number) and not reading.done():  # noqa: ASYNC110 - a journal tells nobody
            await asyncio.sleep(0.5)
    finally:
        reading.cancel()
        writer.transport.abort()
        await asyncio.gather(reading, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> None:
    try:
        while await reader.read(65536):
            pass
    except ConnectionError:
        return


def _over(session: Session, number: int) -> bool:
    entries = [entry for entry in session.journal.requests if entry.turn == number]
    return bool(entries) and (entries[-1].ended_at is not None or _waits(entries[-1]))


def _waits(entry: RequestEntry) -> bool:
    """Whether all is written and only the client can go on, as in a stall."""
    if entry.plan is None:
        return False
    return isinstance(_last(entry.plan.timeline), Stall | Pulse | Vanish | WaitFor) and entry.messages >= _planned(entry)


def _last(timeline: tuple[Step, ...]) -> Step | None:
    return next((step for step in timeline if isinstance(step, Stall | Pulse | Vanish | WaitFor | End | HangUp | Reset)), None)


def _asked(dialect: DialectName) -> bytes:
    body: dict[str, Any] = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}], "stream": dialect != "json"}
    if dialect != "json":
        body["stream_options"] = {"include_usage": True}
    return json.dumps({**body, **({"type": "chat.completion"} if dialect == "ws-typed" else {})}).encode()


def _http(path: str, dialect: DialectName) -> bytes:
    body = _asked(dialect)
    fields = f"Host: x\r\nAuthorization: Bearer k\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"POST {path}/chat/completions HTTP/1.1\r\n{fields}\r\n\r\n".encode() + body


def _websocket(path: str, dialect: DialectName) -> bytes:
    """A handshake and, without waiting for its answer, a masked message; a mask of zeros changes nothing."""
    key = b64encode(os.urandom(16)).decode()
    fields = f"Host: x\r\nAuthorization: Bearer k\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}"
    head = f"GET {path}/ws/chat?dialect={dialect} HTTP/1.1\r\n{fields}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    body = _asked(dialect)
    return head.encode() + b"\x81\xfe" + len(body).to_bytes(2, "big") + bytes(4) + body
