"""The journal of a session that several processes have answered, as one of them would have written it."""

from __future__ import annotations

from typing import Any


def numbered(requests: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """The last of `count` requests, in their order, numbered: each with the attempt and the gap that it was."""
    attempts: dict[tuple[str, str | None], int] = {}
    endings = sorted(entry["ended_at"] for entry in requests if entry["ended_at"] is not None)
    ended = 0
    for number, entry in enumerate(requests, max(count - len(requests), 0) + 1):
        same = entry["body_sha256"], entry["lane"]
        attempts[same] = attempts.get(same, 0) + 1
        while ended < len(endings) and endings[ended] <= entry["received_at"]:
            ended += 1
        entry["request"], entry["attempt"] = number, attempts[same]
        entry["gap"] = entry["received_at"] - endings[ended - 1] if ended else None
    return requests
