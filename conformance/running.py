"""One `check` from its options to its exit code: the engine, the baseline and the reports put together."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import click

from conformance import baseline, checked, clients, engine
from conformance.adapter import Adapter
from conformance.one_shot import OneShot
from conformance.reporters import console, report
from conformance.verdict import ADAPTER_BROKEN, GREEN, KIT_BUG, USAGE, CaseResult
from mockserver import writing

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

    def ready(self) -> None:
        """Make the folders of all that will be written. Raises LookupError for what cannot be, before anything has run."""
        files = (self.write_baseline, self.json_file, self.junit_file, self.html_file, self.markdown_file)
        writing.ready(filter(None, files), filter(None, (self.badge_dir, self.keep_dir)))


def adapter_for(client: str, one_shot: bool) -> Adapter:
    """The adapter a `--client` value names: a client by name, else a command. Raises LookupError."""
    told = partial(click.echo, err=True)
    return OneShot(clients.command(client, told)) if one_shot else clients.process(client, told)


async def check(asked: Asked) -> int:
    """Run, report, and return the exit code: a report that cannot be written is in the way of green. Raises AuthorError and LookupError
    for what was asked wrongly."""
    asked.ready()
    known = baseline.load(asked.known_failing) if asked.known_failing else ()
    screen = console.Console(asked.strict)
    client = asked.client or DRIVER
    needs = clients.known(client)
    runner = engine.Engine(
        adapter_for(client, asked.one_shot), asked.jobs or needs.jobs, asked.transports, told=screen.finished, counted=screen.started
    )
    wanted = checked.Wanted(asked.levels, asked.globs, known, asked.requirements, asked.repeat, asked.strict)
    try:
        if asked.gateway is not None:
            made = await _through(asked.gateway, runner, wanted)
        else:
            made = _introduced(await checked.run(runner, wanted), note=needs.note)
    finally:
        screen.stopped()
    screen.ended(made.results, made.cases, made.exit)
    failed = writing.each(_files(asked, made.report(), made))
    for line in failed:
        click.echo(line, err=True)
    return USAGE if failed and made.exit.code == GREEN else made.exit.code


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


def _files(asked: Asked, made: dict[str, object], judged: checked.Checked) -> Iterator[tuple[Path, writing.Writer]]:
    """What is asked for, each with what writes it."""
    if asked.json_file:
        yield asked.json_file, lambda path: report.write(path, made)
    if asked.write_baseline:
        yield asked.write_baseline, lambda path: _write_baseline(path, judged)
    if asked.keep_dir:
        yield asked.keep_dir, lambda path: _keep(path, judged.cases)
    for file, name in ((asked.junit_file, "junit"), (asked.html_file, "html"), (asked.markdown_file, "markdown")):
        if file is not None:
            yield file, partial(_render, name, made)
    if asked.badge_dir:
        from conformance.reporters import badge

        yield asked.badge_dir, lambda path: badge.write(path, made)


def _render(name: str, made: Mapping[str, object], path: Path) -> None:
    path.write_text(importlib.import_module(f"conformance.reporters.{name}").render(made), encoding="utf-8")


def _write_baseline(path: Path, judged: checked.Checked) -> None:
    """A run that was cut short says nothing of what it did not reach: an older file is left as it is."""
    if judged.results.stopped_at_l0 or judged.exit.code in (ADAPTER_BROKEN, KIT_BUG):
        click.echo(f"no baseline is written to {path}: {judged.exit.reason}", err=True)
    else:
        path.write_text(baseline.written(judged.cases, kept=judged.kept), encoding="utf-8")


def _keep(folder: Path, cases: Iterable[CaseResult]) -> None:
    for result in cases:
        if result.transcript is not None:
            report.write(folder / f"{result.name.replace('[', '.').rstrip(']').replace(',', '.')}.json", result.transcript)
