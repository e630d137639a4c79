"""The journal as a file of JSON lines: each request and each connection when it is over."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mockserver.journal import ConnectionEntry, Journal, RequestEntry
from mockserver.sessions import Session


class JournalFile:
    """Lines `{"session", "request": {…}}` and `{"session", "connection": {…}}`, as `schemas/journal.schema.json` describes both."""

    def __init__(self, path: str) -> None:
        self._file = Path(path).open("a", encoding="utf-8", buffering=1)  # noqa: SIM115  # closed by `close`

    def request(self, session: Session, entry: RequestEntry) -> None:
        self._write({"session": session.key, "request": session.journal.request_json(entry)})

    def connection(self, journals: Iterable[Journal], entry: ConnectionEntry) -> None:
        """A connection is over, on which these sessions were spoken to."""
        for journal in journals:
            self._write({"session": journal.session, "connection": journal.connection_json(entry)})

    def close(self) -> None:
        self._file.close()

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
