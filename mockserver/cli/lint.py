"""Check recorded streams against what api.openai.com's own streams keep to."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="Say where a recorded stream is not as it should be.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--flavour", help="Whose known deviations are excused; without it the host of a recording tells.")
def lint(files: tuple[Path, ...], flavour: str | None) -> None:
    """Say in which places a stream is not what a client of the chat-completions API may expect.

    FILE is a raw body, a `curl -iN` dump, what `streamproof record` wrote, or a line of JSON for each response. Exits with 1 when
    there is an error, with 0 when there are only warnings.
    """
    from mockserver import lint as checker
    from mockserver.author_errors import AuthorError

    errors = warnings = count = 0
    for file in files:
        try:
            for stream in checker.read(file):
                count += 1
                whose = flavour or (checker.flavour_of(stream.host) if stream.host else None)
                for finding in checker.lint(stream.body, flavour=whose, request=stream.request):
                    errors += finding.severity == "error"
                    warnings += finding.severity == "warning"
                    click.echo(f"{stream.source}: {click.style(str(finding), fg='red' if finding.severity == 'error' else 'yellow')}")
        except (AuthorError, LookupError) as error:
            raise click.ClickException(str(error.args[0] if isinstance(error, LookupError) else error)) from None
    click.echo(f"{_count(count, 'stream')}, {_count(errors, 'error')}, {_count(warnings, 'warning')}", err=True)
    if errors:
        raise SystemExit(1)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
