"""Checks a chat completion stream, anybody's, against the invariants that api.openai.com's own streams keep.

The rules, their severities and who is excused from which are data: `schemas/stream-invariants.yaml`. A schema judges single
chunks; order and number are judged here, one small function for each invariant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from mockserver import yaml_marks
from mockserver.author_errors import nearest
from mockserver.bundled import bundled
from mockserver.events import Event
from mockserver.heard import Heard
from mockserver.invariants import CHECKS, Flaw, Severity
from mockserver.recording import Stream, read

__all__ = ["Finding", "Severity", "Stream", "flavour_of", "invariants", "lint", "read", "waivers"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One way in which a stream breaks an invariant, at the first place where it does.

    `invariant` is the rule's number; `event` counts events that carry data from 1 and `line` is where that one begins (0 for
    both: the stream as a whole); `times` is how often it was found.
    """

    invariant: int
    severity: Severity
    event: int
    line: int
    message: str
    times: int = 1

    def __str__(self) -> str:
        where = f"line {self.line}, event {self.event}" if self.line else f"event {self.event}" if self.event else "stream"
        often = f" ({self.times} times)" if self.times > 1 else ""
        return f"{where}: {self.severity} {self.invariant}: {self.message}{often}"


def lint(
    stream: bytes | str | Iterable[Event],
    *,
    flavour: str | None = None,
    request: Mapping[str, Any] | None = None,
    text: str | None = None,
) -> tuple[Finding, ...]:
    """All findings, in the order of invariants.

    `stream` is an SSE body or a flavour's events. `flavour` names whose waivers hold (None: nobody's, for a provider that
    claims to be OpenAI's equal). What depends on the request (usage, logprobs, n, tool_choice) is judged strictly when it is
    given, and by what can be seen when it is not. `text` is what choice 0 must say, if that is known. Raises LookupError for
    an unknown flavour, with the nearest name.
    """
    profile = _profile(flavour)
    heard = Heard(stream, request, profile, text)
    waived = profile.get("waivers", {})
    checks = [(number, check) for number, check in sorted(CHECKS.items()) if str(number) not in waived]
    return tuple(_gathered((number, flaw) for number, check in checks for flaw in check(heard)))


def invariants() -> Mapping[int, tuple[Severity, str]]:
    """Severity and rule of each invariant by its number."""
    return {int(number): (rule["severity"], rule["rule"]) for number, rule in _data()["invariants"].items()}


def waivers(flavour: str) -> Mapping[int, str]:
    """The invariants that a flavour does not keep, each with the reason. Raises LookupError."""
    return {int(number): reason for number, reason in _profile(flavour)["waivers"].items()}


def flavour_of(host: str) -> str | None:
    """Whose stream comes from this host (`api.x.ai`, `localhost:11434`), if it is known."""
    for name, profile in _data()["flavours"].items():
        if any(fnmatchcase(host.lower(), pattern) for pattern in profile["hosts"]):
            return str(name)
    return None


@cache
def _data() -> Mapping[str, Any]:
    path = bundled("schemas") / "stream-invariants.yaml"
    value, _ = yaml_marks.parse(path.read_text(encoding="utf-8"), path.name)
    data: Mapping[str, Any] = value
    return data


def _profile(flavour: str | None) -> Mapping[str, Any]:
    if flavour is None:
        return {}
    known = _data()["flavours"]
    if flavour not in known:
        raise LookupError(f"no flavour named '{flavour}'{nearest(flavour, known)}; known: {', '.join(known)}")
    profile: Mapping[str, Any] = known[flavour]
    return profile


def _gathered(found: Iterable[tuple[int, Flaw]]) -> Iterator[Finding]:
    """Equal flaws become one finding, where the first was."""
    rules = invariants()
    groups: dict[tuple[int, str, Severity], list[Flaw]] = {}
    for number, flaw in found:
        groups.setdefault((number, flaw.message, flaw.severity or rules[number][0]), []).append(flaw)
    for (number, message, severity), flaws in groups.items():
        event = flaws[0].event
        yield Finding(number, severity, event.number if event else 0, event.line if event else 0, message, len(flaws))
