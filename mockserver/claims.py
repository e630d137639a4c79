"""What only one of several processes may have: a session's next turn, and a place among so many. It is claimed by a script in Redis; the
replica is then set to where the claim left it."""

from __future__ import annotations

import asyncio

from mockserver import mock_errors
from mockserver.answers import ApiError, Request
from mockserver.journal import RequestEntry
from mockserver.limits import tokens_of
from mockserver.outbox import Outbox
from mockserver.redis_line import DEADLINE, Line, StoreLost
from mockserver.replicas import Replicas
from mockserver.sessions import Session
from mockserver.shared_places import Place, Places
from mockserver.upstream import Upstream


class Claims:
    """What this process claims."""

    def __init__(self, upstream: Upstream, line: Line, outbox: Outbox, replicas: Replicas, places: Places) -> None:
        self._upstream = upstream
        self._line = line
        self._outbox = outbox
        self._replicas = replicas
        self._places = places
        self._root = line.root

    async def admitted(self, session: Session, entry: RequestEntry, request: Request) -> ApiError | None:
        """Let a request through the limits of its key and claim the next turn, which `session.take()` then gives; or say why not."""
        try:
            return await self._admitted(session, entry, request)
        except StoreLost as error:
            return mock_errors.store_lost(self._line.address.shown, str(error))
        except asyncio.CancelledError:
            entry.end(self._upstream.slots.now(), "client", "gone")
            self._outbox.note(session, entry, final=True)
            raise

    async def _admitted(self, session: Session, entry: RequestEntry, request: Request) -> ApiError | None:
        if session.journal.keys.keys() - session.journal.agreed:
            await self._relabel(session, entry)
        label = entry.key or "none"
        limits = session.limits
        place = None if limits.concurrent is None else self._places.new(session, label, limits.concurrent)
        began = self._upstream.slots.now()
        while True:
            allowance = session.allowance(entry.key)
            asked = self._line.script(
                "admit", self._root, session.key, session.generation, DEADLINE, label,
                allowance.requests.maximum, int(limits.rpm is not None), allowance.tokens.maximum, int(limits.tpm is not None),
                tokens_of(request, entry.body_bytes), "" if place is None else limits.concurrent, limits.queue,
                "" if place is None else place.member,
            )  # fmt: skip
            verdict, *told = await (asked if place is None else place.kept(asked))
            if verdict != "anew":
                break
            if await self._replicas.visit(session.key) is None:
                return mock_errors.unknown_session(f"no session '{session.key}' any more")
        turn, requests, tokens = told
        allowance.recall(self._upstream.slots.now(), float(requests), float(tokens))
        if verdict in ("requests", "tokens", "crowded"):
            return allowance.refusal(verdict, request, entry.body_bytes)
        if place is not None and verdict == "queued":
            await self._places.wait(place, session, label)
            entry.queued = self._upstream.slots.now() - began
        entry.place = place
        if verdict == "queued":
            turn = await self._take(session)
        await self._follow_rule(session, request, turn)
        session.taken = turn
        return None

    async def _relabel(self, session: Session, entry: RequestEntry) -> None:
        """Agree on the labels of keys that came without a visit, and have the entry speak of its key as all do."""
        journal = session.journal
        key = next((key for key, label in journal.keys.items() if label == entry.key), None)
        await self._replicas.visit(session.key, journal.keys.keys() - journal.agreed)
        if key is not None:
            entry.key = session.journal.label(key)

    async def _follow_rule(self, session: Session, request: Request, turn: int) -> None:
        """Where a rule will name a profile, claim the profile's next turn."""
        rules, next_turn = self._upstream.settings.rules, session.script.turn(turn)
        if rules is None or next_turn is None or next_turn.answer is not None:
            return
        rule = rules.find(request, turn + 1)
        if rule is not None and rule.profile is not None:
            count = await self._line.call("HINCRBY", f"{self._root}s:{session.key}", f"named:{rule.profile}", 1)
            session.named[rule.profile] = count - 1

    async def _take(self, session: Session, expected: int | None = None) -> int:
        """The next turn's number; -1 if another than the expected is next. Raises StoreLost."""
        while True:
            wanted = "" if expected is None else expected
            answer = await self._line.script("take", self._root, session.key, session.generation, DEADLINE, wanted)
            match answer:
                case ["in", turn]:
                    return int(turn)
                case ["other", turn]:
                    session.taken = turn
                    return -1
            if await self._replicas.visit(session.key) is None:
                raise StoreLost(f"the session '{session.key}' was closed")
            if expected is not None:
                return -1

    async def claimed(self, session: Session, expected: int | None = None) -> bool:
        """Claim the next turn, which `session.take()` then gives; False if it is no longer the expected one. Raises StoreLost."""
        if self._replicas.holds(session):
            return True
        turn = await self._take(session, expected)
        if turn >= 0:
            session.taken = turn
        return turn >= 0

    async def place(self, session: Session, label: str, limit: int) -> Place | None:
        """One of so many places of the session, if one is free. Raises StoreLost."""
        place = self._places.new(session, label, limit)
        arguments = (self._root, session.key, session.generation, DEADLINE, label, limit, place.member)
        (entered,) = await place.kept(self._line.script("place", *arguments))
        return place if entered == "in" else None
