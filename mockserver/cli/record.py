"""Record what an upstream answers, for `answer: {replay: FILE}`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import click

from mockserver import writing
from mockserver.stop_signals import stop_signals


@click.command(short_help="Write down what an upstream answers a client.")
@click.option(
    "--upstream", required=True, metavar="URL", help="The base URL that clients use otherwise, such as https://api.openai.com/v1."
)
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Answers are appended to this file.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="0, the default, takes a free one.")
def record(upstream: str, output: Path, host: str, port: int) -> None:
    """Stand between a client and an upstream and write down each answer: head, pieces with their times, and how it ended.

    Point the client at the URL that is printed first. Ctrl-C ends. Keys are replaced by labels, in the answers too.
    """
    _check(upstream)
    _make(output)
    try:
        recorded = asyncio.run(_record(upstream, output, host, port))
    except OSError as error:
        if writing.is_lost(error):
            raise
        raise click.ClickException(f"cannot listen on {host}, port {port}: {error.strerror or error}; --port 0 takes a free one") from None
    click.echo(f"{recorded} answer{'' if recorded == 1 else 's'} in {output}", err=True)


def _check(upstream: str) -> None:
    if not upstream.startswith(("http://", "https://")):
        raise click.UsageError(f"--upstream {upstream}: wanted a URL that begins with http:// or https://")
    try:
        url = urlsplit(upstream)
        found = bool(url.hostname) and url.port != 0
    except ValueError:
        found = False
    if not found:
        raise click.UsageError(f"--upstream {upstream}: wanted a URL with a host, and if need be a port from 1 to 65535")


def _make(output: Path) -> None:
    """The file, before anything is worth recording."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        if not output.exists() or output.is_file():
            output.open("ab").close()
    except OSError as error:
        raise click.UsageError(f"--output {output} cannot be written: {error.strerror or error}") from None


async def _record(upstream: str, output: Path, host: str, port: int) -> int:
    from mockserver.recorder import Recorder

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in stop_signals():
        loop.add_signal_handler(number, stop.set)
    async with Recorder(upstream, output, host=host, port=port) as recorder:
        click.echo(recorder.base_url)
        await stop.wait()
    return recorder.recorded
