"""Judge a client."""

from __future__ import annotations

import asyncio
import sys
import traceback
from pathlib import Path

import click

from conformance.verdict import KIT_BUG, LEVELS, USAGE
from mockserver import writing


@click.command()
@click.option("--client", metavar="CMD|NAME", help="The adapter: a command, or a client by name.")
@click.option(
    "--gateway", metavar="CMD|NAME", help="A gateway, judged behind a good client: a command with {upstream} and {port}, or a name."
)
@click.option("--level", "levels", multiple=True, type=click.Choice(LEVELS), help="Only these levels, and L0.")
@click.option("--case", "globs", multiple=True, metavar="GLOB", help="Only these cases, and L0.")
@click.option("--transport", "transports", multiple=True, type=click.Choice(["sse", "ws"]), help="Only these.")
@click.option("--one-shot", is_flag=True, help="Start the command once a run.")
@click.option("--known-failing", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Baseline of failing checks, strict.")
@click.option("--write-baseline", type=click.Path(dir_okay=False, path_type=Path), help="Write the failing checks down as a baseline.")
@click.option("--requirements", default=None, metavar="SET", help="The requirement set of a release, such as 1.0.")
@click.option("--jobs", type=click.IntRange(1), help="The most runs at once; the client's own bound holds too.")
@click.option("--repeat", default=1, type=click.IntRange(1), show_default=True, help="Run every case so often.")
@click.option("--strict", is_flag=True, help="A broken SHOULD or a check that does not apply fails too.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write report.json.")
@click.option("--junit", "junit_file", type=click.Path(dir_okay=False, path_type=Path), help="Write a JUnit file.")
@click.option("--html", "html_file", type=click.Path(dir_okay=False, path_type=Path), help="Write one self-contained HTML page.")
@click.option("--markdown", "markdown_file", type=click.Path(dir_okay=False, path_type=Path), help="Write a summary for a job page.")
@click.option("--badge", "badge_dir", type=click.Path(file_okay=False, path_type=Path), help="Write badges into a folder.")
@click.option("--keep", "keep_dir", type=click.Path(file_okay=False, path_type=Path), help="Keep each case's transcript in a folder.")
def check(client: str | None, gateway: str | None, levels: tuple[str, ...], globs: tuple[str, ...], **options: object) -> None:
    """Run a client through every case and judge it from both sides."""
    if not client and not gateway:
        raise click.UsageError("name a client (--client) or a gateway (--gateway)")
    from conformance import running, sigterm
    from mockserver.author_errors import AuthorError

    try:
        asked = running.Asked(client=client, gateway=gateway, levels=levels, globs=globs, **options)  # type: ignore[arg-type]
        with sigterm.unwinds():
            code = asyncio.run(running.check(asked))
    except (AuthorError, LookupError) as error:
        click.echo(str(error.args[0] if error.args else error), err=True)
        sys.exit(USAGE)
    except Exception as error:
        if isinstance(error, OSError) and writing.is_full(error):
            click.echo(writing.refusal(error), err=True)
            sys.exit(USAGE)
        traceback.print_exc()
        sys.exit(KIT_BUG)
    sys.exit(code)
