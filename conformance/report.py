"""What the client said of one run: its lines, in order, on the kit's clock."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_LINES = 60_000
"""Lines of one run that are kept; later ones are only counted."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line and when it was read (seconds of `time.monotonic`)."""

    at: float
    said: Mapping[str, Any]


@dataclass(slots=True)
class Report:
    """The lines of one run. `lost` says why no result came: the adapter died, hung, or wrote nonsense."""

    run: str
    started_at: float
    lines: list[Line] = field(default_factory=list)
    dropped: int = 0
    result: Mapping[str, Any] | None = None
    result_at: float | None = None
    results: int = 0
    lines_after_result: int = 0
    lost: str | None = None

    def add(self, at: float, said: Mapping[str, Any]) -> None:
        if said["type"] == "result":
            self.results += 1
            if self.result is None:
                self.result, self.result_at = said, at
        elif self.result is not None:
            self.lines_after_result += 1
        if len(self.lines) < MAX_LINES:
            self.lines.append(Line(at, said))
        else:
            self.dropped += 1

    def of(self, kind: str) -> list[Line]:
        return [line for line in self.lines if line.said["type"] == kind]

    def text(self, choice: int = 0) -> str:
        """The deltas of one choice, joined."""
        return "".join(delta_text(line.said) for line in self.of("delta") if line.said.get("index", 0) == choice)


def delta_text(said: Mapping[str, Any]) -> str:
    """A delta's text; `text_b64` is the same in base64."""
    if "text_b64" in said:
        return base64.b64decode(said["text_b64"]).decode("utf-8", "replace")
    return str(said.get("text", ""))
