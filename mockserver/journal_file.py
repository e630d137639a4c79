"""The journal as a file of JSON lines: each request and each connection when it is over."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mockserver.journal import ConnectionEntry, Journal, RequestEntry
from mockserver.sessions import Session


class JournalFile:
    """Lines `{"session", "request": {…}}` and `{"session", "connection": {…}}`, as `schemas/journal.schema.json` describes both.

    Each is one write, so that those of several processes do not mix. A disk that is full costs lines, and no answer.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = Path(path).open("ab", buffering=0)  # noqa: SIM115  # closed by `close`
        self._rest = b""
        self._told = False

    def request(self, session: Session, entry: RequestEntry) -> None:
        self._write({"session": session.key, "request": session.journal.request_json(entry)})

    def connection(self, journals: Iterable[Journal], entry: ConnectionEntry) -> None:
        """A connection is over, on which these sessions were spoken to."""
        for journal in journals:
            self._write({"session": journal.session, "connection": journal.connection_json(entry)})

    def close(self) -> None:
        self._file.close()

    def _write(self, line: dict[str, Any]) -> None:
        """Bytes that are no UTF-8 come from clients; in JSON they are escapes."""
        data = self._rest + json.dumps(line, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
        try:
            # A line that was cut is ended by the next one.
            self._rest = data[self._file.write(data) :]
        except OSError as error:
            self._tell(f"the journal {self._path} cannot be written, and lacks what happens now: {error.strerror or error}")

    def _tell(self, message: str) -> None:
        """Once is enough."""
        if not self._told:
            self._told = True
            sys.stderr.write(f"{message}\n")
