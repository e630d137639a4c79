"""The terminal: progress while it runs, then a verdict a level and every failure with its timeline. Plain when piped."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from conformance.engine import Results
from conformance.levels import levels
from conformance.reporters.printable import printable
from conformance.verdict import CaseResult, Exit, Verdict

if TYPE_CHECKING:
    from rich.console import Console as Screen
    from rich.progress import Progress, TaskID

COLOURS = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.WARN: "yellow",
    Verdict.INFO: "cyan",
    Verdict.NOT_APPLICABLE: "dim",
    Verdict.INCONCLUSIVE: "magenta",
    Verdict.KNOWN_FAIL: "yellow",
    Verdict.UNEXPECTED_PASS: "bold red",
}
SHOWN = (Verdict.FAIL, Verdict.UNEXPECTED_PASS, Verdict.INCONCLUSIVE)
STATES = {"passed": "green", "failed": "bold red", "blocked": "yellow", "not run": "dim"}


def _screen() -> Screen:
    """Whoever reads may stop reading, as `head` does: the run goes on, and its reports are written."""
    from rich.console import Console as Screen

    class Patient(Screen):
        def on_broken_pipe(self) -> None:
            self.quiet = True
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)

    return Patient(highlight=False, soft_wrap=True)


class Console:
    """Prints one run. `strict` also shows warnings in full."""

    def __init__(self, strict: bool = False) -> None:
        self._screen = _screen()
        self._shown = (*SHOWN, Verdict.WARN) if strict else SHOWN
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def started(self, total: int) -> None:
        if not self._screen.is_terminal:
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=self._screen, transient=True
        )
        self._progress.start()
        self._task = self._progress.add_task("judging", total=total)

    def finished(self, result: CaseResult) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, advance=1, description=result.id)
        if result.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE) and self._progress is not None:
            self._screen.print(f"[{COLOURS[result.verdict]}]{result.verdict:>14}[/]  {_safe(result.name)}")

    def stopped(self) -> None:
        """No more results will come: the terminal gets its cursor back."""
        if self._progress is not None:
            self._progress.stop()

    def ended(self, results: Results, judged: tuple[CaseResult, ...], exit: Exit) -> None:
        self.stopped()
        from conformance.reporters import timeline

        for result in judged:
            if result.verdict in self._shown:
                self._failure(result)
                self._screen.print(_safe(timeline.two_lanes(result)), style="dim")
        warnings = [result for result in judged if result.verdict is Verdict.WARN and Verdict.WARN not in self._shown]
        for result in warnings:
            broken = ", ".join(check.id for check in result.checks if check.verdict is Verdict.WARN)
            self._screen.print(f"[yellow]warn[/]  {_safe(result.name)}: {broken}")
        self._summary(results, judged, exit)

    def _failure(self, result: CaseResult) -> None:
        from conformance import case as cases

        known = {each.id: each for each in cases.corpus()}.get(result.id)
        self._screen.print()
        self._screen.print(f"[{COLOURS[result.verdict]}]{result.verdict}[/]  [bold]{_safe(result.name)}[/]  {_safe(result.title)}")
        for check in result.checks:
            if check.verdict in self._shown:
                self._screen.print(f"  {check.severity} {check.id}: {_safe(check.reason or check.evidence)}")
        if known is not None:
            self._screen.print(f"  rule: {_safe(known.rule)}")
            self._screen.print(f"  why:  {_safe(known.why)}")
            for source in known.sources:
                self._screen.print(f"  seen: {_safe(source)}")
        self._screen.print(f"  replay it: streamproof cases serve {result.id}")

    def _summary(self, results: Results, judged: tuple[CaseResult, ...], exit: Exit) -> None:
        name = " ".join(str(results.hello.get(key, "")) for key in ("name", "version")).strip() or "the client"
        checks = sum(len(result.checks) for result in judged)
        self._screen.print()
        self._screen.print(f"[bold]{_safe(name)}[/]: {len(judged)} cases, {checks} checks in {results.seconds:.1f} s")
        for level in levels(judged):
            if level.counts:
                counts = "  ".join(f"{count} {verdict}" for verdict, count in sorted(level.counts.items()))
                self._screen.print(f"  {level.name}  [{STATES[level.state]}]{level.state:<8}[/] {counts}")
        self._screen.print(f"exit {exit.code}: {_safe(exit.reason)}", style="green" if exit.code == 0 else "bold red")


def _safe(text: str) -> str:
    """Text of a client or a case is never markup, nor a command to the terminal."""
    from rich.markup import escape

    return escape(printable(text))
