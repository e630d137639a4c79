"""Several reports side by side: which client survives which case."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from conformance.levels import Level, levels
from conformance.verdict import CaseResult, CheckResult, Verdict, worst
from mockserver.author_errors import AuthorError, Mistake
from mockserver.bundled import bundled


@dataclass(frozen=True, slots=True)
class Client:
    """One column: a client by name and version, from one report or several; `date` is the day of the latest, `note` what a reader has
    to know of how it was driven."""

    name: str
    version: str
    language: str
    levels: tuple[Level, ...]
    date: str = ""
    note: str = ""

    @property
    def label(self) -> str:
        return f"{self.name} {self.version}".strip()


@dataclass(frozen=True, slots=True)
class Cell:
    """What became of a case; `broken` are the checks that did not hold."""

    verdict: Verdict
    broken: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One case over one transport in one variant; the cell of a client that did not run it is None."""

    id: str
    level: str
    title: str
    transport: str
    variant: str | None
    cells: tuple[Cell | None, ...]

    @property
    def where(self) -> str:
        return ", ".join(part for part in (self.transport, self.variant) if part)


@dataclass(frozen=True, slots=True)
class Matrix:
    clients: tuple[Client, ...]
    rows: tuple[Row, ...]


def read(path: Path) -> Mapping[str, Any]:
    """A report.json. Fields that this kit does not know are of a newer one of the same major version: they are kept and not looked at.
    Raises AuthorError for what cannot be read or is no report, and for a report of another major version."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AuthorError([Mistake(str(path), 1, f"cannot be read: {error.strerror or error}")]) from None
    except ValueError as error:
        raise AuthorError([Mistake(str(path), 1, f"not JSON: {error}")]) from None
    maker, reader = _maker(report), version("streamproof")
    if maker and _major(maker) != _major(reader):
        told = f"made by streamproof {maker}; this is {reader}, which reads reports of {_major(reader)}.x"
        raise AuthorError([Mistake(str(path), 1, told)])
    wrong = next(_report_schema().iter_errors(report), None)
    if wrong is not None:
        where = ".".join(map(str, wrong.instance_path)) or "the document"
        by = f" (made by streamproof {maker}; this is {reader})" if maker and maker != reader else ""
        raise AuthorError([Mistake(str(path), 1, f"no report of `streamproof check --json`: {where}: {wrong.message[:200]}{by}")])
    value: Mapping[str, Any] = report
    return value


def _maker(report: Any) -> str:
    """The version of the kit that a report names; "" where it names none."""
    named = report.get("streamproof") if isinstance(report, dict) else None
    return named if isinstance(named, str) and _major(named).isdecimal() else ""


def _major(release: str) -> str:
    return release.partition(".")[0]


@cache
def _report_schema() -> Any:
    from jsonschema_rs import validator_for

    return validator_for(_opened(json.loads((bundled("schemas") / "report.schema.json").read_text(encoding="utf-8"))))


def _opened(schema: Any) -> Any:
    """A schema that says what must be there and leaves open what else is."""
    if isinstance(schema, list):
        return [_opened(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: _opened(each) for name, each in schema.items() if (name, each) != ("additionalProperties", False)}


def merge(reports: Iterable[Mapping[str, Any]]) -> Matrix:
    """One column a client, in the order they come; reports of the same client and version share a column."""
    columns: dict[tuple[str, str], tuple[Mapping[str, Any], list[CaseResult], list[str]]] = {}
    for report in reports:
        hello = report["client"]
        key = hello.get("name", "client"), hello.get("version", "")
        _, found, days = columns.setdefault(key, (hello, [], []))
        found.extend(results_of(report))
        days.append(report["made_at"][:10])
    clients = tuple(
        Client(name, version, hello.get("language", ""), levels(found), max(days), hello.get("note", ""))
        for (name, version), (hello, found, days) in columns.items()
    )
    results = [found for _, found, _ in columns.values()]
    every = {(case.level, case.id, case.transport, case.variant or ""): case for found in results for case in found}
    return Matrix(clients, tuple(_row(case, results) for _, case in sorted(every.items())))


def results_of(report: Mapping[str, Any]) -> tuple[CaseResult, ...]:
    """The results that a report holds, without their transcripts."""
    return tuple(map(_result, report["cases"]))


def _result(case: Mapping[str, Any]) -> CaseResult:
    checks = tuple(
        CheckResult(check["id"], check["severity"], Verdict(check["verdict"]), check.get("evidence", ""), check.get("reason", ""))
        for check in case["checks"]
    )
    return CaseResult(case["id"], case["level"], case["transport"], case["title"], checks, case.get("variant"))


def _row(case: CaseResult, results: Sequence[Sequence[CaseResult]]) -> Row:
    cells = tuple(_cell([each for each in found if each.name == case.name]) for found in results)
    return Row(case.id, case.level, case.title, case.transport, case.variant, cells)


def _cell(runs: Sequence[CaseResult]) -> Cell | None:
    if not runs:
        return None
    broken = dict.fromkeys(
        check.id for case in runs for check in case.checks if check.verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE)
    )
    return Cell(worst(case.verdict for case in runs), tuple(broken))


def to_json(matrix: Matrix) -> dict[str, Any]:
    """The matrix as `schemas/matrix.schema.json` describes it."""
    return {
        "clients": [
            {
                "name": client.name,
                "version": client.version,
                "language": client.language,
                "date": client.date,
                **({"note": client.note} if client.note else {}),
                "levels": {level.name: level.state for level in client.levels},
            }
            for client in matrix.clients
        ],
        "cases": [
            {
                "id": row.id,
                "level": row.level,
                "title": row.title,
                "transport": row.transport,
                **({"variant": row.variant} if row.variant else {}),
                "verdicts": [cell and {"verdict": cell.verdict, "broken": list(cell.broken)} for cell in row.cells],
            }
            for row in matrix.rows
        ],
    }


def to_text(matrix: Matrix) -> str:
    """The same as JSON, a line a client and a line a case."""
    value = to_json(matrix)
    parts = (
        f' "{name}": [\n' + ",\n".join(f"  {json.dumps(each, ensure_ascii=False)}" for each in value[name]) + "\n ]"
        for name in ("clients", "cases")
    )
    return "{\n" + ",\n".join(parts) + "\n}\n"
