"""Name clients, and begin an adapter for one of your own."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from conformance.verdict import USAGE

LANGUAGES = ("python", "node", "go", "java", "rust", "shell")


@click.group(invoke_without_command=True)
@click.pass_context
def clients(context: click.Context) -> None:
    """List the clients that `check --client` knows by name, or write an adapter for another."""
    if context.invoked_subcommand is None:
        context.invoke(list_clients)


@clients.command("list")
def list_clients() -> None:
    """A line a client: its name and the command it stands for."""
    from conformance.clients import named

    for name, command in named().items():
        click.echo(f"{name:<24} {command}")


@clients.command()
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
