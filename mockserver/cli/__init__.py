"""The command line. One file a command; each imports what it needs when it runs."""

from __future__ import annotations

import io
import sys
from typing import Any

import click

INTERRUPTED = 130
PACKAGES = ("mockserver.cli", "conformance.cli")


class Commands(click.Group):
    """The folders are the list of commands: `cli/NAME.py` of either package holds `NAME`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        from mockserver import registry

        return sorted(name for package in PACKAGES for name in registry.names(package))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        import importlib

        from mockserver import registry

        package = next((package for package in PACKAGES if cmd_name in registry.names(package)), None)
        if package is None:
            return None
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(importlib.import_module(f"{package}.{name}"), name)
        command.context_settings.setdefault("auto_envvar_prefix", "STREAMPROOF")  # STREAMPROOF_PORT, not STREAMPROOF_SERVE_PORT
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """As a shell knows it: 130 is what Ctrl-C ended. What a terminal has no letter for is shown as another, and never an error."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(INTERRUPTED)
        except OSError as error:
            from mockserver import writing

            if not writing.is_full(error):
                raise
            raise click.ClickException(writing.refusal(error)) from None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        from mockserver.author_errors import nearest

        if args and args[0] not in self.list_commands(ctx) and not args[0].startswith("-"):
            ctx.fail(f"no command '{args[0]}'{nearest(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)


@click.command(cls=Commands, context_settings={"auto_envvar_prefix": "STREAMPROOF", "help_option_names": ["-h", "--help"]})
@click.version_option(package_name="streamproof")
def main() -> None:
    """Is your client streamproof? A mock upstream for chat completions that breaks as told, and a conformance kit."""
    from mockserver import namesake

    try:
        namesake.check()
    except namesake.NamesakeError as error:
        raise click.ClickException(str(error)) from None
