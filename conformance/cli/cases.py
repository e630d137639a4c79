"""Look at the corpus of cases, and play one by hand."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from conformance.case import Case


@click.group(invoke_without_command=True)
@click.pass_context
def cases(context: click.Context) -> None:
    """List, show, export and serve the conformance cases."""
    if context.invoked_subcommand is None:
        context.invoke(list_cases)


@cases.command("list")
@click.option("--level", "levels", multiple=True, help="Only these levels.")
@click.option("--search", default="", help="Only cases whose id, title, rule or reason holds this text.")
def list_cases(levels: tuple[str, ...] = (), search: str = "") -> None:
    """A line a case: id, transports, number of checks, title."""
    from conformance.case import corpus

    for case in corpus():
        text = f"{case.id} {case.title} {case.rule} {case.why}".lower()
        if (not levels or case.level in levels) and search.lower() in text:
            click.echo(f"{case.id:<44} {','.join(case.transports):<8} {len(case.checks):>2}  {case.title}")


@cases.command()
@click.argument("name")
def show(name: str) -> None:
    """Everything a case says, as it is written."""
    case = _find(name)
    assert case.path is not None
    click.echo(case.path.read_text(encoding="utf-8"), nl=False)


@cases.command()
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file in place of standard output.")
def export(output: Path | None) -> None:
    """The whole corpus as one JSON document."""
    import json

    from conformance.case import corpus
    from mockserver import yaml_marks

    documents = [yaml_marks.parse(case.path.read_text(encoding="utf-8"), str(case.path))[0] for case in corpus() if case.path]
    text = json.dumps(documents, ensure_ascii=False, indent=1)
    if output is None:
        click.echo(text)
    else:
        output.write_text(text + "\n", encoding="utf-8")


@cases.command()
@click.argument("name")
@click.option("--port", default=8080, show_default=True)
@click.option("--dialect", default=None, help="One of the case's dialects; the first is taken.")
def serve(name: str, port: int, dialect: str | None) -> None:
    """Serve the script of one case, for curl or a debugger in hand; every request starts at the next turn."""
    import asyncio

    from conformance import serving

    try:
        asyncio.run(serving.serve(_find(name), port, dialect))
    except KeyboardInterrupt:
        sys.exit(0)


def _find(name: str) -> Case:
    from conformance.case import corpus
    from mockserver.author_errors import nearest

    known = {case.id: case for case in corpus()}
    if name not in known:
        click.echo(f"no case '{name}'{nearest(name, known)}", err=True)
        sys.exit(2)
    return known[name]
