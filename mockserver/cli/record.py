"""Record what an upstream answers, for `answer: {replay: FILE}`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from mockserver.stop_signals import stop_signals


@click.command(short_help="Write down what an upstream answers a client.")
@click.option(
    "--upstream", required=True, metavar="URL", help="The base URL that clients use otherwise, such as https://api.openai.com/v1."
)
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Answers are appended to this file.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=0, help="0, the default, takes a free one.")
def record(upstream: str, output: Path, host: str, port: int) -> None:
    """Stand between a client and an upstream and write down each answer: head, pieces with their times, and how it ended.

    Point the client at the URL that is printed first. Ctrl-C ends. Keys are replaced by labels, in the answers too.
    """
    if not upstream.startswith(("http://", "https://")):
        raise click.UsageError(f"--upstream {upstream}: wanted a URL that begins with http:// or https://")
    try:
        recorded = asyncio.run(_record(upstream, output, host, port))
    except OSError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{recorded} answer{'' if recorded == 1 else 's'} in {output}", err=True)


async def _record(upstream: str, output: Path, host: str, port: int) -> int:
    from mockserver.recorder import Recorder

    output.parent.mkdir(parents=True, exist_ok=True)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in stop_signals():
        loop.add_signal_handler(number, stop.set)
    async with Recorder(upstream, output, host=host, port=port) as recorder:
        click.echo(recorder.base_url)
        await stop.wait()
    return recorder.recorded
