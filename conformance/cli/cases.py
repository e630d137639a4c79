"""Look at the corpus of cases, and play one by hand."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from conformance.verdict import LEVELS, USAGE
from mockserver import writing

if TYPE_CHECKING:
    from conformance.case import Case


@click.group(invoke_without_command=True)
@click.pass_context
def cases(context: click.Context) -> None:
    """List, show, export and serve the conformance cases."""
    if context.invoked_subcommand is None:
        context.invoke(list_cases)


@cases.command("list")
@click.option("--level", "levels", multiple=True, type=click.Choice(LEVELS), help="Only these levels.")
@click.option("--search", default="", help="Only cases whose id, title, rule or reason holds this text.")
def list_cases(levels: tuple[str, ...] = (), search: str = "") -> None:
    """A line a case: id, transports, number of checks, title."""
    from conformance.case import corpus

    found = [case for case in corpus() if (not levels or case.level in levels) and search.lower() in _text(case)]
    if not found:
        _refuse("no case matches; `streamproof cases` lists them all")
    for case in found:
        click.echo(f"{case.id:<44} {','.join(case.transports):<8} {len(case.checks):>2}  {case.title}")


def _text(case: Case) -> str:
    return f"{case.id} {case.title} {case.rule} {case.why}".lower()


@cases.command()
@click.argument("name")
def show(name: str) -> None:
    """Everything a case says, as it is written."""
    case = _find(name)
    assert case.path is not None
    click.echo(case.path.read_bytes(), nl=False)


@cases.command()
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file in place of standard output.")
def export(output: Path | None) -> None:
    """The whole corpus as one JSON document."""
    import json

    from conformance.case import corpus
    from mockserver import yaml_marks

    documents = [yaml_marks.parse(case.path.read_text(encoding="utf-8"), str(case.path))[0] for case in corpus() if case.path]
    text = (json.dumps(documents, ensure_ascii=False, indent=1) + "\n").encode()
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_bytes(text)
    except OSError as error:
        _refuse(f"cannot write {output}: {error.strerror or error}")


@cases.command(short_help="Serve the script of one case, for curl or a debugger.")
@click.argument("name")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--dialect", default=None, help="One of the case's dialects; the first is taken.")
def serve(name: str, port: int, dialect: str | None) -> None:
    """Serve the script of one case, for curl or a debugger in hand; every request starts at the next turn."""
    import asyncio

    from conformance import serving

    case = _find(name)
    if dialect is not None and dialect not in case.dialects():
        _refuse(f"{name} is not run over '{dialect}'; there is {', '.join(case.dialects())}")
    try:
        asyncio.run(serving.serve(case, port, dialect))
    except OSError as error:
        if writing.is_lost(error):
            raise
        _refuse(f"cannot listen on port {port}: {error.strerror or error}; --port 0 takes a free one")


def _find(name: str) -> Case:
    from conformance.case import corpus
    from mockserver.author_errors import nearest

    known = {case.id: case for case in corpus()}
    if name not in known:
        _refuse(f"no case '{name}'{nearest(name, known)}; `streamproof cases` lists them all")
    return known[name]


def _refuse(why: str) -> NoReturn:
    click.echo(why, err=True)
    sys.exit(USAGE)
