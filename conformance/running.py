"""One `check` from its options to its exit code: the engine, the baseline and the reports put together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import click

from conformance import baseline, checked, clients, engine
from conformance.adapter import Adapter, OneShot
from conformance.reporters import console, report
from conformance.verdict import CaseResult

DRIVER = "reference-python"
"""The client that drives a gateway."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asked for; see `streamproof check --help`."""

    client: str | None
    gateway: str | None = None
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
    told = partial(click.echo, err=True)
    return OneShot(clients.command(client, told)) if one_shot else clients.process(client, told)


async def check(asked: Asked) -> int:
    """Run, report, and return the exit code. Raises AuthorError and LookupError for what was asked wrongly."""
    known = baseline.load(asked.known_failing) if asked.known_failing else ()
    screen = console.Console(asked.strict)
    client = asked.client or DRIVER
    needs = clients.known(client)
    runner = engine.Engine(
        adapter_for(client, asked.one_shot), asked.jobs or needs.jobs, asked.transports, told=screen.finished, counted=screen.started
    )
    wanted = checked.Wanted(asked.levels, asked.globs, known, asked.requirements, asked.repeat, asked.strict)
    if asked.gateway is not None:
        made = await _through(asked.gateway, runner, wanted)
    else:
        made = _introduced(await checked.run(runner, wanted), note=needs.note)
    screen.ended(made.results, made.cases, made.exit)
    _write(asked, made.report(), made.cases)
    return made.exit.code


async def _through(command: str, runner: engine.Engine, wanted: checked.Wanted) -> checked.Checked:
    """The same with a gateway between, over what it is answerable for; over SSE unless something else is asked for."""
    from conformance.gateway import concerns
    from conformance.gateway import gateway as gateway_for

    gateway = gateway_for(command, partial(click.echo, err=True))
    runner.route, runner.transports, runner.jobs = gateway.route, runner.transports or ("sse",), runner.jobs or gateway.jobs
    try:
        made = await checked.run(runner, wanted, concerns)
    finally:
        await gateway.stop()
    return _introduced(made, name=f"{gateway.name} (gateway)", version=gateway.version, note=gateway.note)


def _introduced(made: checked.Checked, **words: str) -> checked.Checked:
    """The same with words of the kit's own in place of those of the hello; empty ones say nothing."""
    said = {word: value for word, value in words.items() if value or word in made.results.hello}
    return replace(made, results=replace(made.results, hello={**made.results.hello, **said}))


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
