"""Breaking what runs now, by hand: every answer of a session that is under way ends as it is told."""

from __future__ import annotations

import asyncio
from typing import Any, Literal, get_args

from mockserver.author_errors import AuthorError, Mistake, nearest
from mockserver.compile import Act, Write, compile_timeline
from mockserver.framing import http1
from mockserver.play import Play
from mockserver.sessions import Session
from mockserver.steps import End, Head, Stall
from mockserver.upstream import Upstream

How = Literal["reset", "hang-up", "end", "stall"]
NORMAL_CLOSURE = 1000


def read_how(value: Any, source: str) -> How:
    """`{"how": "reset"}`; reset when nothing is said. Raises AuthorError."""
    known = get_args(How)
    mistakes = []
    if not isinstance(value, dict):
        raise AuthorError([Mistake(source, 1, f'wanted an object such as {{"how": "reset"}}, got {value!r}')])
    mistakes += [Mistake(source, 1, f"unknown key '{key}'; known: how") for key in value if key != "how"]
    how = value.get("how", "reset")
    if how not in known:
        mistakes.append(Mistake(source, 1, f"how: wanted one of {', '.join(known)}, got {how!r}{nearest(str(how), known)}"))
    if mistakes:
        raise AuthorError(mistakes)
    return how  # type: ignore[no-any-return]  # it is among the known


def break_all(upstream: Upstream, session: Session, how: How) -> int:
    """Break every answer under way; how many there were.

    reset: RST at once. hang-up: FIN in mid-message. end: the body's last chunk, or a close frame with 1000, so that the answer
    is cut cleanly. stall: nothing more is sent, and the connection stays.
    """
    plays = upstream.plays(session)
    for play in plays:
        play.entry.happened(upstream.slots.now(), "broken", how)
        _break(play, how, upstream.slots.now())
    return len(plays)


def _break(play: Play, how: How, now: float) -> None:
    tail = _tail(play) if how == "end" else (Act(0.0, Stall()),)
    if how in ("end", "stall") and tail:
        play.cancel(tail)
        return
    play.entry.end(now, "server", "reset" if how == "reset" else "hangup")
    play.cancel(())
    # Below the play, which may be waiting for a reader that does not read.
    task = asyncio.ensure_future(play.wire.reset(True) if how == "reset" else play.wire.hang_up())
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)


_under_way: set[asyncio.Future[None]] = set()


def _tail(play: Play) -> tuple[Write | Act, ...]:
    """What ends the message cleanly; nothing if it cannot be ended so: it has a declared length, or no head yet."""
    if play.entry.dialect is not None and play.entry.dialect.startswith("ws"):
        return compile_timeline((End(close=NORMAL_CLOSURE),), "websocket").acts
    head = next((step for step in play.entry.plan.timeline if isinstance(step, Head)), None)
    if head is None or head.framing != "chunked" or play.entry.first_byte_at is None:
        return ()
    return Write(0.0, (http1.last_chunk(),)), Act(0.0, End())
