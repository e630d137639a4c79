"""Put the reports of several clients side by side."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from conformance.verdict import USAGE


@click.command()
@click.argument("reports", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="REPORT.json…")
@click.option("--html", "html_file", type=click.Path(dir_okay=False, path_type=Path), help="Write one self-contained HTML page.")
@click.option("--markdown", "markdown_file", type=click.Path(dir_okay=False, path_type=Path), help="Write Markdown.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the matrix as JSON.")
def merge(reports: tuple[Path, ...], html_file: Path | None, markdown_file: Path | None, json_file: Path | None) -> None:
    """The matrix of clients and cases, from the files of `check --json`; to standard output as Markdown if no file is named."""
    from conformance import matrix
    from conformance.reporters import matrix_html, matrix_markdown
    from mockserver.author_errors import AuthorError

    try:
        merged = matrix.merge(map(matrix.read, reports))
    except AuthorError as error:
        click.echo(str(error), err=True)
        sys.exit(USAGE)
    if html_file:
        html_file.write_text(matrix_html.render(merged), encoding="utf-8")
    if markdown_file:
        markdown_file.write_text(matrix_markdown.render(merged), encoding="utf-8")
    if json_file:
        json_file.write_text(matrix.to_text(merged), encoding="utf-8")
    if not (html_file or markdown_file or json_file):
        click.echo(matrix_markdown.render(merged), nl=False)
