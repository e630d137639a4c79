"""Walk through the museum of streaming bugs."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conformance.verdict import FAILED, GREEN, TOO_LITTLE, USAGE

if TYPE_CHECKING:
    from conformance.exhibit import Exhibit
    from conformance.visit import Seen, Visit

MOST = 120
"""Characters of evidence that are shown; `--json` has all."""


@click.command(short_help="See the kit find bugs that were published.")
@click.argument("globs", nargs=-1, metavar="[NAME…]")
@click.option("--list", "listed", is_flag=True, help="Name the exhibits and run nothing.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write what was seen.")
def museum(globs: tuple[str, ...], listed: bool, json_file: Path | None) -> None:
    """Published streaming bugs: install a package with the bug and without it, and see the kit tell the two apart.

    NAME is an exhibit's name, its room's, or a glob such as 'openai-*'; without one, all are shown.
    """
    from conformance import exhibit, sigterm
    from mockserver import writing
    from mockserver.author_errors import AuthorError

    try:
        exhibits = exhibit.select(exhibit.museum(), globs)
        writing.ready([json_file] if json_file else [])
    except (AuthorError, LookupError) as error:
        click.echo(str(error.args[0] if error.args else error), err=True)
        sys.exit(USAGE)
    if listed:
        for each in exhibits:
            click.echo(f"{each.name:<44} {each.title}")
        return
    with sigterm.unwinds():
        visits = asyncio.run(_visited(exhibits))
    failed = writing.each([(json_file, partial(_write, visits))] if json_file is not None else ())
    code = _ended(visits)
    for line in failed:
        click.echo(line, err=True)
    sys.exit(code or (USAGE if failed else GREEN))


def _write(visits: list[Visit], path: Path) -> None:
    report = {"date": date.today().isoformat(), "exhibits": [each.report() for each in visits]}
    path.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


async def _visited(exhibits: tuple[Exhibit, ...]) -> list[Visit]:
    from conformance.visit import visit

    visits = []
    for number, each in enumerate(exhibits, 1):
        click.echo(f"[{number}/{len(exhibits)}] {each.name}: {each.title}")
        visits.append(await visit(each, lambda line: click.echo(f"    {line}", err=True)))
        for line in _lines(visits[-1]):
            click.echo(f"    {line}")
    return visits


def _lines(seen: Visit) -> list[str]:
    """What one visit showed: a line a check and version, then whether the two were told apart."""
    if seen.trouble:
        return [f"not shown: {seen.trouble}"]
    rows = [_line(side, check) for check in seen.exhibit.checks for side in (seen.bad, seen.fixed)]
    return [*rows, "told apart" if seen.told_apart else f"NOT told apart by {', '.join(seen.alike)}"]


def _line(seen: Seen, check: str) -> str:
    evidence = seen.evidence.get(check, "")
    return f"{seen.version:<14} {seen.verdicts[check]:<6} {check}{f': {evidence[:MOST]}' if evidence else ''}"


def _ended(visits: list[Visit]) -> int:
    apart = sum(each.told_apart for each in visits)
    untold = [each.exhibit.name for each in visits if not each.trouble and not each.told_apart]
    absent = [each.exhibit.name for each in visits if each.trouble]
    click.echo(f"{apart} of {len(visits)} told apart")
    if untold:
        click.echo(f"not told apart: {', '.join(untold)}")
    if absent:
        click.echo(f"not shown: {', '.join(absent)}")
    return FAILED if untold else TOO_LITTLE if absent else GREEN
