"""Put the reports of several clients side by side."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conformance.verdict import USAGE

if TYPE_CHECKING:
    from conformance.matrix import Matrix


@click.command(short_help="Put the reports of several clients side by side.")
@click.argument("reports", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="REPORT.json…")
@click.option("--html", "html_file", type=click.Path(dir_okay=False, path_type=Path), help="Write one self-contained HTML page.")
@click.option("--markdown", "markdown_file", type=click.Path(dir_okay=False, path_type=Path), help="Write Markdown.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the matrix as JSON.")
def merge(reports: tuple[Path, ...], html_file: Path | None, markdown_file: Path | None, json_file: Path | None) -> None:
    """The matrix of clients and cases, from the files of `check --json`; to standard output as Markdown if no file is named."""
    from conformance import matrix
    from conformance.reporters import matrix_html, matrix_markdown
    from mockserver import writing
    from mockserver.author_errors import AuthorError

    forms = ((html_file, matrix_html.render), (markdown_file, matrix_markdown.render), (json_file, matrix.to_text))
    asked = [(file, render) for file, render in forms if file is not None]
    try:
        writing.ready(file for file, _ in asked)
        merged = matrix.merge(map(matrix.read, reports))
    except (AuthorError, LookupError) as error:
        click.echo(str(error.args[0]), err=True)
        sys.exit(USAGE)
    failed = writing.each((file, partial(_write, merged, render)) for file, render in asked)
    for line in failed:
        click.echo(line, err=True)
    if not asked:
        click.echo(matrix_markdown.render(merged), nl=False)
    if failed:
        sys.exit(USAGE)


def _write(merged: Matrix, render: Callable[[Matrix], str], path: Path) -> None:
    path.write_text(render(merged), encoding="utf-8")
