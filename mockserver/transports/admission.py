"""A session's limits at the edge: where a request is refused, or waits until another answer is over."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mockserver.answers import ApiError, Request

if TYPE_CHECKING:
    from mockserver.journal import RequestEntry
    from mockserver.sessions import Session
    from mockserver.upstream import Upstream


async def admitted(upstream: Upstream, session: Session, entry: RequestEntry, request: Request) -> ApiError | None:
    """Let the request through the limits of its key, waiting in the queue if there is one, or say why not. Its place is given
    back when the request is over (`Upstream.finished`). The caller takes the turn at once: of several processes this one has it."""
    if upstream.fleet is not None and not upstream.fleet.holds(session):
        return await upstream.fleet.admitted(session, entry, request)
    allowance = session.allowance(entry.key)
    now = upstream.slots.now()
    refusal = allowance.ask(now, request, entry.body_bytes)
    if refusal is not None or session.limits.concurrent is None:
        return refusal
    turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def wake() -> None:
        turn.set_result(None)

    entered = allowance.enter(wake)
    if isinstance(entered, ApiError):
        allowance.refund(request, entry.body_bytes)
        return entered
    if not entered:
        try:
            await turn
        except asyncio.CancelledError:
            allowance.forget(wake)
            entry.end(upstream.slots.now(), "client", "gone")
            raise
        entry.queued = upstream.slots.now() - now
    entry.place = allowance
    return None
