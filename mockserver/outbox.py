"""What one process still has to tell the store: entries of journals, and calls that nobody waits for.

It is told in small lots, soon after it happened; while the store is lost the newest are kept. Telling twice does no harm.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict, deque
from typing import Any, NamedTuple

from mockserver.journal import MAX_REQUESTS, ConnectionEntry, Journal, RequestEntry
from mockserver.labels import agree
from mockserver.redis_line import Line, StoreLost
from mockserver.sessions import Session

SOON_SECONDS = 0.1
"""A process that is killed takes what happened in this time with it; who asks for a journal gets it sooner."""
AGAIN_SECONDS = 0.25
MAX_KEPT = 10_000
"""Entries, and calls, that wait while the store is lost."""
LOT = 100

Entry = RequestEntry | ConnectionEntry


class Note(NamedTuple):
    """An entry of a session's journal, as the session was then. `final`: it will not change any more. Every entry is noted as final
    once."""

    session: Session
    journal: Journal
    generation: str
    entry: Entry
    final: bool


class Outbox:
    """`shift` is what is added to this machine's clock so that times can be compared with other machines'."""

    def __init__(self, line: Line, process: str) -> None:
        self.shift = 0.0
        self._line = line
        self._root = line.root
        self._process = process
        self._fresh: OrderedDict[tuple[str, int], Note] = OrderedDict()
        self._open: dict[str, dict[int, Note]] = {}
        self._calls: deque[tuple[Any, ...]] = deque(maxlen=MAX_KEPT)
        self._calling: set[asyncio.Task[None]] = set()
        self._telling = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def note(self, session: Session, entry: Entry, *, final: bool = False) -> None:
        """An entry is new, or has changed."""
        self._fresh[session.key, id(entry)] = Note(session, session.journal, session.generation, entry, final)
        while len(self._fresh) > MAX_KEPT:
            self._fresh.popitem(last=False)
        self._soon(SOON_SECONDS)

    def call(self, script: str, *arguments: Any) -> None:
        """Call a script, now or when the store is there again."""
        calling = asyncio.get_running_loop().create_task(self._call(script, *arguments))
        self._calling.add(calling)
        calling.add_done_callback(self._calling.discard)

    async def _call(self, script: str, *arguments: Any) -> None:
        try:
            await self._line.script(script, *arguments)
        except StoreLost:
            self._calls.append((script, *arguments))
            self._soon(AGAIN_SECONDS)

    def forget(self, key: str) -> None:
        """A session is gone, and what was to be told of it."""
        self._open.pop(key, None)
        for at in [at for at in self._fresh if at[0] == key]:
            del self._fresh[at]

    async def tell(self, session: Session | None = None) -> None:
        """Tell what there is to tell now, and how the entries of this session stand that are not final. Raises StoreLost."""
        for note in () if session is None else tuple(self._open.get(session.key, {}).values()):
            self._fresh.setdefault((note.session.key, id(note.entry)), note)
        async with self._telling:
            while self._calls:
                await self._line.script(*self._calls[0])
                self._calls.popleft()
            for keys in self._lots():
                await self._tell_lot(keys)

    def _lots(self) -> list[list[tuple[str, int]]]:
        """What is to be told now, by journals; what happens meanwhile is told the next time."""
        journals: dict[int, list[tuple[str, int]]] = {}
        for at, note in self._fresh.items():
            journals.setdefault(id(note.journal), []).append(at)
        return [keys[start : start + LOT] for keys in journals.values() for start in range(0, len(keys), LOT)]

    async def close(self) -> None:
        """Tell the rest, if the store is there."""
        if self._calling:
            await asyncio.wait(self._calling)
        if self._timer is not None:
            self._timer.cancel()
        try:
            await self.tell()
        except StoreLost:
            """It is told no more."""

    def _soon(self, seconds: float) -> None:
        if self._timer is None and self._task is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._begin)

    def _begin(self) -> None:
        self._timer = None
        self._task = asyncio.get_running_loop().create_task(self._tell_soon())

    async def _tell_soon(self) -> None:
        wait = SOON_SECONDS
        try:
            await self.tell()
        except StoreLost:
            wait = AGAIN_SECONDS
        finally:
            self._task = None
            if self._fresh or self._calls:
                self._soon(wait)

    async def _tell_lot(self, keys: list[tuple[str, int]]) -> None:
        """Notes of one session."""
        notes = [self._fresh.pop(at) for at in keys if at in self._fresh]
        if not notes:
            return
        first = notes[0]
        try:
            await self._write(first.session, first.journal, first.generation or first.session.generation, notes)
        except StoreLost:
            for note in notes:
                self._fresh.setdefault((note.session.key, id(note.entry)), note)
            raise
        still = self._open.setdefault(first.session.key, {})
        for note in notes:
            if note.final:
                still.pop(id(note.entry), None)
            else:
                still[id(note.entry)] = note
        if not still:
            self._open.pop(first.session.key, None)

    async def _write(self, session: Session, journal: Journal, generation: str, notes: list[Note]) -> None:
        told = self._open.get(session.key, {})
        before = ["1" if id(note.entry) in told else "" for note in notes]
        entries = [self._shown(journal, note.entry) for note in notes]
        if strangers := journal.keys.keys() - journal.agreed:
            await agree(self._line, session, strangers)
            entries = [self._shown(journal, note.entry) for note in notes]
        arguments = [part for entry, again in zip(entries, before, strict=True) for part in (*entry, again)]
        taken = session.taken if session.owner == self._process else ""
        await self._line.script("note", self._root, session.key, generation, MAX_REQUESTS, taken, *arguments)

    def _shown(self, journal: Journal, entry: Entry) -> tuple[str, str | int, float, str]:
        """Kind, id, time and JSON."""
        if isinstance(entry, ConnectionEntry):
            return "connection", str(entry.connection), entry.accepted_at + self.shift, self._text(journal.connection_json(entry))
        text = f"{self._text(journal.answer_json(entry))[:-1]}, {journal.asked_text(entry)[1:]}"
        return "request", f"{self._process}/{entry.request}", entry.received_at + self.shift, text

    def _text(self, shown: dict[str, Any]) -> str:
        return json.dumps(shifted(shown, self.shift) if self.shift else shown)


def shifted(value: Any, seconds: float) -> Any:
    """A journal's JSON with every time moved."""
    if isinstance(value, list):
        return [shifted(item, seconds) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: item + seconds
        if isinstance(item, int | float) and (name in ("at", "due") or name.endswith("_at"))
        else item
        if name in ("headers", "body")
        else shifted(item, seconds)
        for name, item in value.items()
    }
