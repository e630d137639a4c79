"""Serve the mock upstream."""

from __future__ import annotations

import asyncio
import signal

import click

from mockserver.settings import Settings


@click.command()
@click.option("--host", multiple=True, default=("127.0.0.1", "::1"), show_default=True, help="Addresses to listen on.")
@click.option("--port", default=8080, show_default=True, help="0 takes a free one.")
@click.option("--seed", type=int, help="Makes ids, times and chance follow from this number.")
@click.option("--flavour", default="openai", show_default=True, help="Whose way of speaking.")
def serve(host: tuple[str, ...], port: int, seed: int | None, flavour: str) -> None:
    """Serve until Ctrl-C; the first line printed is the base URL."""
    asyncio.run(_serve(Settings(host=host, port=port, seed=seed, flavour=flavour)))


async def _serve(settings: Settings) -> None:
    from mockserver.app import App

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with App(settings) as app:
        click.echo(app.base_url)
        await stop.wait()
