"""One conformance requirement, as data: what the server does, what the client is told, what may be observed.

A case is a YAML file in `conformance/cases/`, checked by `schemas/case.schema.json`. The corpus is the folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from conformance.verdict import Severity
from mockserver import profiles, yaml_marks
from mockserver.author_errors import AuthorError, Mistake, nearest
from mockserver.bundled import bundled

CASES = Path(__file__).parent / "cases"

DIALECTS = {"sse": ("sse",), "ws": ("ws-chunk", "ws-typed", "ws-sse-text")}
"""The dialects a transport name stands for; a case may also name one dialect."""

VARIANTS: dict[str, Any] = {
    "byte-by-byte": {"split": {"every": 1}},
    "crlf": {"line-ends": {"kind": "crlf"}},
}
"""Faults that are added to a short case's turns to run it once more in another framing."""


@dataclass(frozen=True, slots=True)
class Check:
    """What must be true of the transcript: a JSON Schema over it. `timed`: a busy machine could make it fail."""

    id: str
    severity: Severity
    schema: Mapping[str, Any]
    why: str = ""
    timed: bool = False
    needs: tuple[str, ...] = ()
    since: str = "1.0"


@dataclass(frozen=True, slots=True)
class Case:
    """One file. Times are milliseconds. `runs` are what the client is told, one mapping a run; `together` starts them at
    once, else one after the other. `settle_ms` is how long the server watches after the last result."""

    id: str
    level: str
    title: str
    why: str
    rule: str
    spec: tuple[str, ...]
    sources: tuple[str, ...]
    severity: Severity
    transports: tuple[str, ...]
    server: Mapping[str, Any]
    runs: tuple[Mapping[str, Any], ...]
    checks: tuple[Check, ...]
    witness: Mapping[str, Any]
    needs: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    together: bool = False
    own_port: bool = False
    alone: bool = False
    observe_process: bool = False
    own_process: bool = False
    deadline_ms: int = 10_000
    settle_ms: int = 250
    since: str = "1.0"
    repeat: int = 1
    path: Path | None = field(default=None, compare=False)

    def dialects(self) -> tuple[str, ...]:
        """Every dialect it runs over."""
        return tuple(dialect for transport in self.transports for dialect in DIALECTS.get(transport, (transport,)))


@cache
def corpus(folder: Path = CASES) -> tuple[Case, ...]:
    """Every case, in order of level and id. Raises AuthorError with the mistakes of all files."""
    loaded: list[Case] = []
    mistakes: list[Mistake] = []
    for path in sorted(folder.rglob("*.yaml")):
        try:
            loaded.append(load_file(path))
        except AuthorError as error:
            mistakes += error.mistakes
    seen: dict[str, Path] = {}
    for case in loaded:
        assert case.path is not None
        if case.id in seen:
            mistakes.append(Mistake(str(case.path), 1, f"the id '{case.id}' is already {seen[case.id].name}'s"))
        seen[case.id] = case.path
    if mistakes:
        raise AuthorError(mistakes)
    return tuple(sorted(loaded, key=lambda case: (case.level, case.id)))


def select(cases: Iterable[Case], levels: Iterable[str] = (), globs: Iterable[str] = ()) -> tuple[Case, ...]:
    """The cases of some levels and ids; L0 is always among them. Raises LookupError for what selects nothing."""
    cases, levels, globs = tuple(cases), tuple(levels), tuple(globs)
    among = [case.id for case in cases if not levels or case.level == "L0" or case.level in levels]
    for glob in globs:
        if not any(fnmatchcase(case.id, glob) for case in cases):
            raise LookupError(f"no case matches '{glob}'{nearest(glob, [case.id for case in cases])}; `streamproof cases` lists them")
        if not any(fnmatchcase(id, glob) for id in among):
            raise LookupError(f"no case of {', '.join(levels)} matches '{glob}'")
    return tuple(
        case
        for case in cases
        if case.level == "L0" or ((not levels or case.level in levels) and (not globs or any(fnmatchcase(case.id, glob) for glob in globs)))
    )


def load_file(path: Path) -> Case:
    """Read one case. Raises AuthorError."""
    value, line = yaml_marks.parse(path.read_text(encoding="utf-8"), str(path))
    mistakes = list(_schema_mistakes(value, str(path), line))
    if mistakes:
        raise AuthorError(mistakes)
    for turns in _scripts(value):
        profiles.load_script(turns, str(path))
    return _case(value, path)


def _schema_mistakes(value: Any, source: str, line: Any) -> Iterator[Mistake]:
    for error in _validator().iter_errors(value):
        where = tuple(error.absolute_path)
        yield Mistake(source, line(where), f"{'.'.join(map(str, where)) or 'case'}: {error.message}")


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads((bundled("schemas") / "case.schema.json").read_text(encoding="utf-8")))


def _scripts(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    server = value["server"]
    if "turns" in server:
        yield {"turns": server["turns"], "after": server.get("after", "stay")}


def _case(value: Mapping[str, Any], path: Path) -> Case:
    severity: Severity = value.get("severity", "MUST")
    runs = value.get("runs") or [value.get("client") or {}]
    since = value.get("since", "1.0")
    return Case(
        id=value["id"],
        level=value["id"].partition(".")[0],
        title=value["title"],
        why=value["why"].strip(),
        rule=value["rule"].strip(),
        spec=tuple(value["spec"]),
        sources=tuple(value.get("sources", ())),
        severity=severity,
        transports=tuple(value.get("transports", ("sse",))),
        server=value["server"],
        runs=tuple(runs),
        checks=tuple(_check(check, severity, since) for check in value["checks"]),
        witness=value.get("witness", {}),
        needs=tuple(value.get("needs", ())),
        variants=tuple(value.get("variants", ())),
        together=value.get("together", False),
        own_port=value.get("own_port", False),
        alone=value.get("alone", False),
        observe_process=value.get("observe_process", False),
        own_process=value.get("own_process", False),
        deadline_ms=value.get("deadline_ms", 10_000),
        settle_ms=value.get("settle_ms", 250),
        since=since,
        repeat=value.get("repeat", 1),
        path=path,
    )


def _check(value: Mapping[str, Any], severity: Severity, since: str) -> Check:
    return Check(
        value["id"],
        value.get("severity", severity),
        expectation(value["expect"]),
        value.get("why", ""),
        value.get("timed", False),
        tuple(value.get("needs", ())),
        value.get("since", since),
    )


def expectation(value: Any) -> Mapping[str, Any]:
    """A schema over the transcript: written out, or by the name of one in the vocabulary, or a list of both (all hold)."""
    if isinstance(value, str):
        known = vocabulary()["$defs"]
        if value not in known:
            raise AuthorError([Mistake("case", 1, f"no expectation named '{value}'{nearest(value, known)}")])
        return {"$ref": f"#/$defs/{value}"}
    if isinstance(value, list):
        return {"allOf": [expectation(item) for item in value]}
    schema: Mapping[str, Any] = value
    return schema


@cache
def vocabulary() -> Mapping[str, Any]:
    """The named expectations, `schemas/expectations.schema.json`."""
    schema: Mapping[str, Any] = json.loads((bundled("schemas") / "expectations.schema.json").read_text(encoding="utf-8"))
    return schema
