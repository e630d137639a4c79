"""Name clients, install them, and begin an adapter for one of your own."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from conformance.verdict import USAGE

LANGUAGES = ("python", "node", "go", "java", "rust", "shell")


@click.group(invoke_without_command=True, short_help="List and install clients, and begin an adapter.")
@click.pass_context
def clients(context: click.Context) -> None:
    """List the clients that `check --client` knows by name, install them, or write an adapter for another."""
    if context.invoked_subcommand is None:
        context.invoke(list_clients)


@clients.command("list", short_help="A line a client, and whether it is installed.")
def list_clients() -> None:
    """A line a client: its name, language, version, transports, and whether it is installed."""
    from conformance import clients, packages

    rows = [(name, clients.LANGUAGES[path.suffix], "", "sse ws", "comes along") for name, path in clients.reference().items()]
    for name, path in clients.adapters().items():
        wanted = packages.needs(path)
        state = "installed" if packages.installed(path, wanted) else "not installed"
        rows.append((name, clients.LANGUAGES[path.suffix], wanted.version, " ".join(wanted.transports), state))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo(" ".join(f"{word or '-':<{width}}" for word, width in zip(row, widths, strict=True)).rstrip())


@clients.command(short_help="Install clients into the cache.")
@click.argument("names", nargs=-1, required=True, metavar="NAME[==VERSION]…")
def install(names: tuple[str, ...]) -> None:
    """Install clients into the cache, each with what its adapter needs, at the adapter's version if none is named."""
    from conformance import packages, sigterm
    from conformance.clients import pinned

    for name in names:
        try:
            adapter, wanted = pinned(name)
            with sigterm.unwinds():
                packages.install(adapter, wanted)
        except LookupError as error:
            click.echo(f"{name}: {error.args[0]}", err=True)
            sys.exit(USAGE)
        click.echo(f"{name}: {' '.join(wanted.packages) or 'comes with its language'}")


@clients.command(short_help="Write a working one-file adapter, to be edited.")
@click.option("--language", required=True, type=click.Choice(LANGUAGES), help="The language of the client.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A new file in place of standard output.")
def new(language: str, output: Path | None) -> None:
    """Write a working one-file adapter, to be edited: it drives the language's own HTTP client."""
    from conformance.clients import template, trial

    text = template(language).read_text(encoding="utf-8")
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        click.echo(f"cannot write {output}: {error.strerror}", err=True)
        sys.exit(USAGE)
    click.echo(f"try it: {trial(language, output)}")
