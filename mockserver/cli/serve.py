"""Serve the mock upstream."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from mockserver.cli import _flags as flags
from mockserver.cli import _holders
from mockserver.profiles import Shelf
from mockserver.settings import MAX_BODY, MAX_WORKERS, Settings
from mockserver.stop_signals import stop_signals

if TYPE_CHECKING:
    from socket import socket

    from mockserver.app import App
    from mockserver.request_lines import Form
    from mockserver.workers import Post

OPEN_FILES = 65536


@click.command()
@click.option(
    "--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), is_eager=True, expose_value=False, callback=flags.configured,
    help="A YAML file whose keys are these flags' names.",
)  # fmt: skip
@click.option(
    "--host",
    multiple=True,
    default=("127.0.0.1", "::1"),
    show_default=True,
    callback=flags.checked(flags.host),
    help="Addresses to listen on.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes a free one.")
@click.option(
    "--tls",
    callback=flags.checked(flags.tls),
    metavar="self-signed|FILE",
    help="Speak TLS, with a test certificate or a PEM file's chain and key.",
)
@click.option("--profile", metavar="NAME", help="The fault profile of requests that name none.")
@click.option(
    "--profiles", multiple=True, type=click.Path(exists=True, file_okay=False, path_type=Path), help="A folder with more profiles."
)
@click.option("--network", metavar="NAME", help="The network in front of the server: that of a profile with `network:`.")
@click.option("--chaos", multiple=True, metavar="NAME:CHANCE", help="A fault or a profile that any request meets with this chance.")
@click.option("--seed", type=int, help="Makes ids, times and chance follow from this number.")
@click.option("--flavour", default="openai", show_default=True, help="Whose way of speaking.")
@click.option(
    "--pace",
    callback=flags.checked(flags.pace),
    metavar="NAME|ttft=S,tps=N",
    help="A preset such as gpt-4.1, or time to first token and rate.",
)
@click.option("--echo", is_flag=True, help="Answer with the last message of the user.")
@click.option(
    "--answers", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file of rules: who asks what gets which answer."
)
@click.option("--strict", is_flag=True, help="Refuse a request that no rule of --answers matches.")
@click.option("--models", callback=flags.checked(flags.models), metavar="A,B", help="The only models that are known.")
@click.option("--lenient", is_flag=True, help="Accept unknown request keys in every flavour.")
@click.option(
    "--api-key", multiple=True, callback=flags.checked(flags.key), metavar="KEY[=after:5|=for:30s]",
    help="An accepted key, for so many requests or for so long. Without any, every key is accepted.",
)  # fmt: skip
@click.option("--limit", callback=flags.checked(flags.limits), metavar="rpm=60,tpm=30000,concurrent=5,queue=10", help="Limits of each key.")
@click.option("--max-body", type=click.IntRange(1), default=MAX_BODY, show_default=True, help="Bytes of the largest request body.")
@click.option("--max-connections", type=click.IntRange(1), default=10_000, show_default=True, help="Open WebSockets.")
@click.option("--control/--no-control", default=True, show_default=True, help="The control API below /_mock/.")
@click.option(
    "--control-token",
    callback=flags.checked(flags.token),
    help="What the control API wants; generated where others than this machine can connect.",
)
@click.option(
    "--journal", type=click.Path(dir_okay=False), callback=flags.checked(flags.journal), metavar="FILE",
    help="Append each request and connection to this file, as JSON lines.",
)  # fmt: skip
@click.option(
    "--report", multiple=True, callback=flags.checked(flags.report), metavar="FILE",
    help="Watch the load, and at the end write what was seen to FILE.json, FILE.html or FILE.txt.",
)  # fmt: skip
@click.option("--workers", type=click.IntRange(1, MAX_WORKERS), default=1, show_default=True, help="Processes that answer on one port.")
@click.option(
    "--store",
    callback=flags.checked(flags.store),
    metavar="URL|memory",
    help="Where processes share sessions, turns, limits and journals: redis://HOST:PORT/DB, rediss://… or unix:///PATH.",
)
@click.option("--curl", is_flag=True, help="Print on stderr a curl line that works.")
@click.option("--log-format", type=click.Choice(["text", "json"]), help="A line on stdout for each request.")
def serve(**given: Any) -> None:
    """Serve until Ctrl-C; the first line printed is the base URL."""
    with _no_authorities():
        import aiohttp  # noqa: F401
    from mockserver.app import App
    from mockserver.author_errors import AuthorError
    from mockserver.transports.proxies import NoToxiproxy

    log_format, example, reports = given.pop("log_format"), given.pop("curl"), given.pop("report")
    shelf = Shelf(given.pop("profiles"))
    flags.check_workers(given["workers"], given["store"])
    if given["strict"] and given["answers"] is None:
        raise click.UsageError("--strict refuses what no rule of --answers matches, and there is none: wanted --answers FILE too")
    flags.check_files(reports, {"--journal": given["journal"], "--answers": given["answers"]})
    try:
        settings = flags.settings({**given, "watch_load": bool(reports)}, shelf)
        with _holders.writing(settings.journal_file, reports):
            if settings.workers > 1:
                _serve_together(settings, shelf, log_format, reports, example=example)
            asyncio.run(_serve(App(settings, shelf), log_format, reports, example=example))
    except AuthorError as error:
        raise click.UsageError(str(error)) from None
    except NoToxiproxy as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(_reason(error, given["port"], given["workers"])) from None


async def _serve(app: App, log_format: Form | None, reports: tuple[Path, ...], *, example: bool) -> None:
    def ready() -> None:
        _introduce(app, example=example)

    await _until_stopped(app, log_format, ready)
    if app.upstream.load is not None:
        from mockserver.cli import _load

        _load.tell(app.upstream.load.load(), reports)


async def _until_stopped(app: App, log_format: Form | None, ready: Callable[[], None], lifeline: int | None = None) -> None:
    """Serve until a signal comes, or until the lifeline is cut."""
    _allow_many_files()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in stop_signals():
        loop.add_signal_handler(number, stop.set)
    if lifeline is not None:
        loop.add_reader(lifeline, stop.set)
    async with app:
        if app.store_lost is not None:
            click.echo(f"the store is not there yet, requests are refused until it is: {app.store_lost}", err=True)
        _log(app, log_format)
        ready()
        _rest_memory()
        await stop.wait()


async def _life(app: App, log_format: Form | None, post: Post) -> None:
    """That of a worker. A second word to end, as the supervisor's after Ctrl-C, finds nobody any more who could hear it."""
    import signal

    await _until_stopped(app, log_format, post.ready, post.lifeline)
    signal.pthread_sigmask(signal.SIG_BLOCK, stop_signals())


def _serve_together(settings: Settings, shelf: Shelf, log_format: Form | None, reports: tuple[Path, ...], *, example: bool) -> NoReturn:
    """Serve with several processes on one port. The sockets, what lies before them and the certificates are theirs together."""
    import secrets

    from mockserver.app import App
    from mockserver.certificates import Certificates
    from mockserver.load_message import decoded, encoded
    from mockserver.workers import Workers

    _allow_many_files()
    settings = replace(settings, server=secrets.token_hex(6))
    certificates = Certificates(settings.host)
    with closing(certificates), _sockets(settings) as (sockets, front):
        whole = App(settings, shelf, sockets=sockets[0], front=front, certificates=certificates)
        made = certificates if whole.ca_file else None
        if made is not None:
            made.context("good")

        def work(post: Post) -> int:
            app = App(
                replace(settings, worker=post.worker, successor=post.successor), shelf, sockets=post.sockets, front=front, certificates=made
            )
            asyncio.run(_life(app, log_format, post))
            if app.upstream.load is not None:
                post.leave(encoded(app.upstream.load.load()))
            return 0

        workers = Workers(sockets, work, lambda message: click.echo(message, err=True))
        status = workers.run(lambda: _introduce(whole, example=example))
    loads = [decoded(bequest) for bequest in workers.bequests if bequest]
    if loads:
        from mockserver.cli import _load

        seen = sum(loads[1:], loads[0])
        # A worker that was killed at the end has told nothing.
        _load.tell(replace(seen, complete=seen.complete and seen.workers >= settings.workers), reports)
    raise SystemExit(status)


@contextmanager
def _sockets(settings: Settings) -> Iterator[tuple[list[list[socket]], int | None]]:
    """What each worker listens on; and the port of the network that lies before them all, if there is one."""
    from mockserver.transports.listener import address, bound_sockets
    from mockserver.transports.proxies import INSIDE, before
    from mockserver.workers import sockets_for

    if settings.network is None:
        yield sockets_for(settings.workers, settings.host, settings.port), None
        return
    outside = bound_sockets(settings.host, settings.port)
    port = outside[0].getsockname()[1]
    inside = sockets_for(settings.workers, (INSIDE,), 0)
    network = before(settings.network, outside, address(*inside[0][0].getsockname()), settings.seed)
    try:
        yield inside, port
    finally:
        network.close_all()


def _example(app: App) -> str:
    """A line for a shell; it names no key that was given."""
    from mockserver.cli._curl import curl, hello

    ca_file = app.ca_file
    return curl(app.base_url, hello(), *(("--cacert", ca_file) if ca_file else ()), key="KEY" if app.settings.api_keys else "any")


def _introduce(app: App, *, example: bool) -> None:
    """The base URL; on stderr a generated control token, and where the server is without its network."""
    try:
        click.echo(app.base_url)
    except OSError as error:
        raise click.ClickException(f"the base URL cannot be written to standard output: {error.strerror or error}") from None
    if example:
        click.echo(_example(app), err=True)
    if app.settings.control_token and not click.get_current_context().params.get("control_token"):
        click.echo(f"control token: {app.settings.control_token}", err=True)
    if app.inner:
        click.echo(f"without the network: http{'s' if app.settings.tls else ''}://{app.inner}/v1", err=True)


def _log(app: App, log_format: Form | None) -> None:
    """A line for each request, where somebody may read it."""
    import sys

    if log_format or (sys.stdout is not None and sys.stdout.isatty()):
        from mockserver import request_lines

        app.upstream.watchers.append(request_lines.writer(log_format or "rich"))


def _allow_many_files() -> None:
    """Each connection is an open file: raise the soft limit as far as it goes without privileges."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextmanager
def _no_authorities() -> Iterator[None]:
    """The import of aiohttp's client side reads the system's certificate authorities, a fifth of the way to the first answer;
    a server asks nobody for a certificate. OpenSSL looks where these variables say (SSL_CTX_set_default_verify_paths(3))."""
    names = ("SSL_CERT_FILE", "SSL_CERT_DIR")
    given = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, os.devnull))
    try:
        yield
    finally:
        for name, value in given.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _rest_memory() -> None:
    """What is there at the start stays: the collector need not look at it again. And it need not look often, for it stops
    every stream meanwhile: an answer's objects go when their count falls to nothing, and few are in a cycle."""
    import gc

    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _reason(error: OSError, port: int, workers: int) -> str:
    """Why it cannot listen; a port in use is told with its holder."""
    import errno
    import resource

    if error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if error.errno == errno.EMFILE and workers > 1:
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        return f"--workers {workers}: their sockets are more than the {limit} files that a process may have open here (ulimit -n)"
    if error.errno != errno.EADDRINUSE:
        return f"cannot listen: {error.strerror or error}"
    holder = _holders.of_port(port)
    return f"port {port} is in use{f' by {holder}' if holder else ''}; --port 0 takes a free one"
