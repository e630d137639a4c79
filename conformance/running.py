"""One `check` from its options to its exit code: the engine, the baseline and the reports put together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from conformance import baseline, case, clients, engine
from conformance.adapter import Adapter, OneShot, Process
from conformance.reporters import console, report
from conformance.verdict import CaseResult, Verdict


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asked for; see `streamproof check --help`."""

    client: str
    levels: tuple[str, ...] = ()
    globs: tuple[str, ...] = ()
    transports: tuple[str, ...] = ()
    one_shot: bool = False
    known_failing: Path | None = None
    write_baseline: Path | None = None
    requirements: str | None = None
    jobs: int | None = None
    repeat: int = 1
    strict: bool = False
    json_file: Path | None = None
    junit_file: Path | None = None
    html_file: Path | None = None
    markdown_file: Path | None = None
    badge_dir: Path | None = None
    keep_dir: Path | None = None


def adapter_for(client: str, one_shot: bool) -> Adapter:
    """The adapter a `--client` value names: a client by name, else a command. Raises LookupError."""
    command = clients.command(client)
    return OneShot(command) if one_shot else Process(command)


def in_requirements(cases: tuple[case.Case, ...], wanted: str | None) -> frozenset[str]:
    """The ids whose checks count; a newer case is information until its own requirement set."""
    return frozenset(each.id for each in cases if wanted is None or _version(each.since) <= _version(wanted))


def _version(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split("."))
    except ValueError:
        raise LookupError(f"'{text}' is not a requirement set: wanted a version such as 1.0") from None


async def check(asked: Asked) -> int:
    """Run, report, and return the exit code. Raises AuthorError and LookupError for what was asked wrongly."""
    known = baseline.load(asked.known_failing) if asked.known_failing else ()
    cases = case.select(case.corpus(), asked.levels, asked.globs)
    counted = in_requirements(cases, asked.requirements)
    screen = console.Console(asked.strict)
    runner = engine.Engine(
        adapter_for(asked.client, asked.one_shot), asked.jobs, asked.transports, told=screen.finished, counted=screen.started
    )
    results = await runner.run(each for each in cases for _ in range(asked.repeat))
    judged = tuple(_informative(result) if result.id not in counted else result for result in results.cases)
    judged = tuple(
        sorted(baseline.apply(known, judged), key=lambda result: (result.level, result.id, result.transport, result.variant or ""))
    )
    stale = baseline.stale(known, judged)
    final = engine.exit_of(replace(results, cases=judged), asked.strict, stale)
    screen.ended(results, judged, final)
    _write(asked, report.to_json(results, judged, final), judged)
    return final.code


def _informative(result: CaseResult) -> CaseResult:
    """A case beyond the asked requirement set: what it finds is information."""
    return replace(
        result,
        checks=tuple(
            replace(check, verdict=Verdict.INFO) if check.verdict in (Verdict.FAIL, Verdict.WARN) else check for check in result.checks
        ),
    )


def _write(asked: Asked, made: dict[str, object], judged: tuple[CaseResult, ...]) -> None:
    if asked.json_file:
        report.write(asked.json_file, made)
    if asked.write_baseline:
        asked.write_baseline.write_text(baseline.written(judged), encoding="utf-8")
    if asked.keep_dir:
        asked.keep_dir.mkdir(parents=True, exist_ok=True)
        for result in judged:
            if result.transcript is not None:
                report.write(asked.keep_dir / f"{result.name.replace('[', '.').rstrip(']').replace(',', '.')}.json", result.transcript)
    for path, name in ((asked.junit_file, "junit"), (asked.html_file, "html"), (asked.markdown_file, "markdown")):
        if path is not None:
            import importlib

            path.write_text(importlib.import_module(f"conformance.reporters.{name}").render(made), encoding="utf-8")
    if asked.badge_dir:
        from conformance.reporters import badge

        badge.write(asked.badge_dir, made)
