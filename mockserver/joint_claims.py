"""Turns that are claimed without a visit, by one script for all requests of a key that came together.

Of such a request everything is known here but which turn is next: its session's replica, the label of its key, and that no limit, no rule
and no fault has a say before the turn is taken. Where the session is another one by now, the script says so and does nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import NamedTuple

from mockserver import api_errors, mock_errors
from mockserver.answers import ApiError
from mockserver.journal import Journal
from mockserver.limits import UNLIMITED
from mockserver.redis_line import DEADLINE, Line, StoreLost
from mockserver.sessions import Session
from mockserver.upstream import Claimant, Upstream


class Claim(NamedTuple):
    """Who claims, and the tokens that the request counts for."""

    claimant: Claimant
    tokens: int


class JointClaims:
    """Those of this process, by the session's beginning as it is known here and the key's label. While a script is on its way, the
    requests that come are for the next one."""

    def __init__(self, upstream: Upstream, line: Line) -> None:
        self._upstream = upstream
        self._line = line
        self._waiting: dict[tuple[Journal, str], list[Claim]] = {}
        self._claiming: set[asyncio.Task[None]] = set()

    def foreseen(self, session: Session, keys: Collection[str]) -> bool:
        """Whether a request with these keys can claim the session's next turn so."""
        settings = self._upstream.settings
        undisturbed = session.script.plain and session.limits is UNLIMITED and not settings.chaos and settings.rules is None
        return bool(session.generation) and undisturbed and session.journal.agreed.issuperset(keys)

    def pending(self, session: Session) -> bool:
        """Whether somebody waits for a turn of the session."""
        return any(journal is session.journal for journal, _ in self._waiting)

    def claim(self, session: Session, label: str, tokens: int, claimant: Claimant) -> None:
        """Claim the next turn for a request whose key has this label; its claimant is told."""
        at, claim = (session.journal, label), Claim(claimant, tokens)
        if at in self._waiting:
            self._waiting[at].append(claim)
            return
        self._waiting[at] = [claim]
        claiming = asyncio.get_running_loop().create_task(self._claim_all(session, label))
        self._claiming.add(claiming)
        claiming.add_done_callback(self._claiming.discard)

    async def _claim_all(self, session: Session, label: str) -> None:
        at, refusal = (session.journal, label), api_errors.server_error()
        claims: list[Claim] = []
        try:
            while claims := self._waiting[at]:
                self._waiting[at] = []
                await self._claim(session, label, claims)
        except StoreLost as error:
            refusal = mock_errors.store_lost(self._line.address.shown, str(error))
        finally:
            # Whatever it is: nobody may be left waiting, nor wait once more who has waited as long as these.
            _refuse((*claims, *self._waiting.pop(at)), refusal)

    async def _claim(self, session: Session, label: str, claims: list[Claim]) -> None:
        """Claim a turn for each, and have them take it. Raises StoreLost."""
        journal, allowance = session.journal, session.allowance(label)
        verdict, *told = await self._line.script(
            "together", self._line.root, session.key, session.generation, DEADLINE, label,
            allowance.requests.maximum, allowance.tokens.maximum, len(claims), sum(claim.tokens for claim in claims),
        )  # fmt: skip
        if verdict == "anew" or session.journal is not journal:
            for claim in claims:
                claim.claimant.mistaken()
            return
        session.taken, requests, tokens = told
        allowance.recall(self._upstream.slots.now(), float(requests), float(tokens))
        for claim in claims:
            claim.claimant.take()


def _refuse(claims: Collection[Claim], refusal: ApiError) -> None:
    for claim in claims:
        claim.claimant.refuse(refusal)
