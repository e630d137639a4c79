"""One self-contained page of a run: the levels, the matrix, and every case with its checks, its timeline and its evidence."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.case import Case
from conformance.reporters import drawing, page, timeline
from conformance.verdict import Verdict, worst

COLUMNS = ("sse", "ws-chunk", "ws-typed", "ws-sse-text")


@dataclass(frozen=True, slots=True)
class Shown:
    """One case of the report as the page shows it. `written` is its file in the corpus, if this kit still has it."""

    anchor: str
    case: Mapping[str, Any]
    written: Case | None
    drawing: drawing.Drawing | None
    lanes: tuple[tuple[float, str, str], ...]
    raw: str

    @property
    def column(self) -> tuple[str, str]:
        return self.case["transport"], self.case.get("variant") or ""

    @property
    def words(self) -> str:
        """What the filter looks into."""
        checks = " ".join(check["id"] for check in self.case["checks"])
        rule = f"{self.written.rule} {self.written.why}" if self.written else ""
        return f"{self.case['id']} {self.case['title']} {' '.join(self.column)} {checks} {rule}".lower()


@dataclass(frozen=True, slots=True)
class Cell:
    verdict: Verdict
    anchor: str


@dataclass(frozen=True, slots=True)
class Row:
    """One case over all columns; a column it was not run in is None."""

    id: str
    level: str
    title: str
    words: str
    cells: tuple[Cell | None, ...]

    @property
    def verdicts(self) -> str:
        return " ".join(sorted({cell.verdict for cell in self.cells if cell}))


def render(report: Mapping[str, Any]) -> str:
    """The page of one report."""
    shown = _shown(report["cases"])
    columns = sorted({each.column for each in shown}, key=lambda column: (COLUMNS.index(column[0]), column[1]))
    verdicts = [verdict for verdict in Verdict if any(check["verdict"] == verdict for case in report["cases"] for check in case["checks"])]
    return page.fill("report.html.j2", report=report, shown=shown, columns=columns, rows=_rows(shown, columns), verdicts=verdicts)


def _shown(cases: Iterable[Mapping[str, Any]]) -> list[Shown]:
    from conformance.case import corpus

    written = {each.id: each for each in corpus()}
    seen: dict[str, int] = {}
    return [_one(case, written.get(case["id"]), _anchor(case, seen)) for case in cases]


def _one(case: Mapping[str, Any], written: Case | None, anchor: str) -> Shown:
    transcript = case.get("transcript")
    if transcript is None:
        return Shown(anchor, case, written, None, (), "")
    lanes = tuple(sorted(timeline.happenings(transcript), key=lambda item: item[0]))
    evidence = {name: value for name, value in transcript.items() if name not in ("hello", "client")}
    return Shown(anchor, case, written, drawing.draw(transcript), lanes, json.dumps(evidence, ensure_ascii=False, indent=1, default=str))


def _anchor(case: Mapping[str, Any], seen: dict[str, int]) -> str:
    """A name for links; a case that was run again is numbered."""
    name = ".".join(part for part in (case["id"], case["transport"], case.get("variant")) if part)
    seen[name] = seen.get(name, 0) + 1
    return name if seen[name] == 1 else f"{name}.{seen[name]}"


def _rows(shown: Iterable[Shown], columns: list[tuple[str, str]]) -> list[Row]:
    by_id: dict[str, list[Shown]] = {}
    for each in shown:
        by_id.setdefault(each.case["id"], []).append(each)
    return [
        Row(
            id,
            runs[0].case["level"],
            runs[0].case["title"],
            " ".join(each.words for each in runs),
            tuple(_cell([each for each in runs if each.column == column]) for column in columns),
        )
        for id, runs in by_id.items()
    ]


def _cell(runs: list[Shown]) -> Cell | None:
    """The worst of the runs of a case in one column, with a link to it."""
    if not runs:
        return None
    verdict = worst(Verdict(each.case["verdict"]) for each in runs)
    return Cell(verdict, next(each.anchor for each in runs if each.case["verdict"] == verdict))
