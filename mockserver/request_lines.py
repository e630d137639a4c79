"""A line on stdout for each request that is over: for a reader, as text, or as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Literal

from mockserver.journal import RequestEntry
from mockserver.sessions import Session

Form = Literal["rich", "text", "json"]
Writer = Callable[[Session, RequestEntry], None]


def writer(form: Form) -> Writer:
    """Something that writes the line of a request. No form shows a key, only its label."""
    if form == "json":
        return _write_json
    return _rich_writer() if form == "rich" else _write_text


def _write_json(session: Session, entry: RequestEntry) -> None:
    line = {
        "session": session.key,
        "request": entry.request,
        "request_id": entry.request_id,
        "method": entry.method,
        "path": session.journal.path_of(entry),
        "key": entry.key,
        "dialect": entry.dialect,
        "status": entry.status,
        "turn": entry.turn,
        "bytes": entry.bytes,
        "seconds": _seconds(entry),
        "ended_by": entry.ended_by,
        "ended_how": entry.ended_how,
        "fired": entry.fired,
        "unfired": entry.unfired,
    }
    _write(json.dumps(line, ensure_ascii=False))


def _write_text(session: Session, entry: RequestEntry) -> None:
    _write(text_of(session, entry))


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _rich_writer() -> Writer:
    from rich.console import Console
    from rich.text import Text

    console = Console(file=sys.stdout, soft_wrap=True)

    def write(session: Session, entry: RequestEntry) -> None:
        status = entry.status or 0
        style = "red" if status >= 500 or entry.ended_how not in ("end", "close") else "yellow" if status >= 400 else "green"
        console.print(Text(text_of(session, entry), style=style))

    return write


def text_of(session: Session, entry: RequestEntry) -> str:
    """`POST /v1/chat/completions 200 sse 5120 bytes in 0.031 s, turn 1, server: end, faults: reset`."""
    path = session.journal.path_of(entry)
    parts = [f"{entry.method} {path} {entry.status or '-'} {entry.dialect or '-'} {entry.bytes} bytes in {_seconds(entry):.3f} s"]
    if entry.turn is not None:
        parts.append(f"turn {entry.turn + 1}")
    parts.append(f"{entry.ended_by}: {entry.ended_how}")
    if entry.fired:
        parts.append(f"faults: {', '.join(entry.fired)}")
    if entry.unfired:
        parts.append(f"unfired: {', '.join(entry.unfired)}")
    return ", ".join(parts)


def _seconds(entry: RequestEntry) -> float:
    return round((entry.ended_at or entry.received_at) - entry.received_at, 6)
