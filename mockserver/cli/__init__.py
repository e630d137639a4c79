"""The command line. One file a command; each imports what it needs when it runs."""

from __future__ import annotations

import click


class Commands(click.Group):
    """The folder is the list of commands: `mockserver/cli/NAME.py` holds `NAME`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        from mockserver import registry

        return list(registry.names("mockserver.cli"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        import importlib

        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = getattr(importlib.import_module(f"mockserver.cli.{cmd_name.replace('-', '_')}"), cmd_name.replace("-", "_"))
        command.context_settings.setdefault("auto_envvar_prefix", "STREAMPROOF")  # STREAMPROOF_PORT, not STREAMPROOF_SERVE_PORT
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        from mockserver.author_errors import nearest

        if args and args[0] not in self.list_commands(ctx) and not args[0].startswith("-"):
            ctx.fail(f"no command '{args[0]}'{nearest(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)


@click.command(cls=Commands, context_settings={"auto_envvar_prefix": "STREAMPROOF", "help_option_names": ["-h", "--help"]})
@click.version_option(package_name="streamproof")
def main() -> None:
    """Is your client streamproof? A mock upstream for chat completions that breaks as told, and a conformance kit."""
