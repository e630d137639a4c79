"""How `serve`'s flags are read: each from its text, and all of them as settings."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mockserver.profiles import Shelf
from mockserver.settings import Settings
from mockserver.turns import UNPACED, Chaos, Script

if TYPE_CHECKING:
    from mockserver.network import Network

LOOPBACK = ("127.", "::1", "localhost")


def checked(read: Callable[[str], Any]) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """A click callback from a function of text; what it finds wrong is a usage error."""

    def callback(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
        from mockserver.author_errors import AuthorError

        try:
            return tuple(map(read, value)) if isinstance(value, tuple) else None if value is None else read(value)
        except AuthorError as error:
            raise click.BadParameter("\n".join(mistake.message for mistake in error.mistakes)) from None
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return callback


def pace(text: str) -> Any:
    """A preset's name, or fields such as `ttft=0.2,tps=40`."""
    from mockserver.profiles import load_pace

    if "=" not in text:
        return load_pace(text, "--pace")
    names = {"tps": "tokens_per_second"}
    given = dict(part.strip().partition("=")[::2] for part in text.split(",") if part.strip())
    return load_pace({names.get(name, name): _number(value) for name, value in given.items()}, "--pace")


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def key(text: str) -> Any:
    from mockserver.access import read_key

    name, rule = read_key(text)
    if not name:
        raise ValueError(f"'{text}': wanted a key, for without one no request is let in")
    return name, rule


def models(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise ValueError(f"'{text}': wanted the names of models, such as gpt-4.1,gpt-4o")
    return names


def token(text: str) -> str:
    """An empty one would leave the control API open, where somebody thinks that it is closed."""
    if not text:
        raise ValueError("'': wanted a token, or --no-control")
    return text


def limits(text: str) -> Any:
    from mockserver.limits import read_limits

    return read_limits(text, "--limit")


def tls(text: str) -> str:
    """`self-signed`, or a PEM file with a chain and its key."""
    import ssl

    if text != "self-signed":
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(text)
        except OSError as error:
            raise ValueError(f"'{text}' is not self-signed, nor a PEM file with a chain and its key: {error.strerror or error}") from None
    return text


def journal(text: str) -> str:
    """A file that can be appended to; it is not opened, for it may be a pipe."""
    folder = Path(text).parent
    if not text:
        raise ValueError("'': wanted a file")
    if not os.access(text if os.access(text, os.F_OK) else folder, os.W_OK):
        raise ValueError(f"'{text}' cannot be written{'' if folder.is_dir() else f': there is no folder {folder}'}")
    return text


def host(text: str) -> str:
    if not text.strip():
        raise ValueError(f"'{text}': wanted an address or a name, such as 127.0.0.1, ::1 or 0.0.0.0")
    return text


def check_files(reports: Iterable[Path], others: Mapping[str, str | Path | None]) -> None:
    """A report replaces what was there. `others` are the files of other flags."""
    for report in reports:
        for flag, file in others.items():
            if file is not None and report.absolute() == Path(file).absolute():
                raise click.UsageError(f"--report {report} would replace the file of {flag} at the end: wanted another one")


def report(text: str) -> Path:
    from mockserver.cli._load import destination

    return destination(text)


def store(text: str) -> str:
    """`memory`, or where a Redis is."""
    if text != "memory":
        from mockserver.redis_line import read_address

        read_address(text)
    return text


def check_workers(workers: int, store: str | None) -> None:
    """Several processes share a store, or are told that they have none."""
    if workers > 1 and store is None:
        raise click.UsageError(
            f"--workers {workers} needs to know where the processes keep what they share (sessions, turns, limits, journals): "
            "--store redis://HOST:PORT. With --store memory each keeps its own: enough where every request is answered by itself, but "
            "turns are counted by each process, and no sessions can be opened."
        )


def configured(ctx: click.Context, param: click.Parameter, file: Path | None) -> None:
    """The file's keys are the flags' names; a flag or a variable wins over them."""
    if file is None:
        return
    from mockserver import yaml_marks
    from mockserver.author_errors import AuthorError, Mistake, nearest

    known = {opt.lstrip("-"): option for option in ctx.command.params if option.name not in ("config", "help") for opt in option.opts}
    try:
        value, line = yaml_marks.parse(yaml_marks.text_of(file), str(file))
        value = {} if value is None else value
        if not isinstance(value, dict):
            raise AuthorError([Mistake(str(file), 1, "wanted a mapping of flags, such as `port: 8081`")])
        wrong = [
            Mistake(str(file), line((name,)), f"unknown flag '{name}'{nearest(str(name), known)}") for name in value if name not in known
        ]
        wrong += [
            Mistake(str(file), line((name,)), f"'{name}' is {item!r}: wanted {wanted}")
            for name, item in value.items()
            if name in known and (wanted := _unlike(known[name], item))
        ]
        if wrong:
            raise AuthorError(wrong)
    except AuthorError as error:
        raise click.BadParameter(str(error)) from None
    ctx.default_map = {str(known[name].name): _several(known[name], item) for name, item in value.items()}


def _unlike(option: click.Parameter, item: Any) -> str:
    """What a flag's value should have been; "" where it is."""
    several = isinstance(item, list) and getattr(option, "multiple", False)
    if any(isinstance(each, dict | list) for each in (item if several else [item])):
        return "a value, or a list of values" if getattr(option, "multiple", False) else "one value"
    return ""


def _several(option: click.Parameter, item: Any) -> Any:
    """One value for a flag that may be repeated need not be a list."""
    return [item] if getattr(option, "multiple", False) and not isinstance(item, list) else item


def settings(given: dict[str, Any], shelf: Shelf) -> Settings:
    profile, rules, echo = given["profile"], given.pop("answers"), given.pop("echo")
    strict, limit = given.pop("strict"), given.pop("limit")
    _check_flavour(given["flavour"])
    if rules is not None:
        from mockserver.model.rules import load

        rules = load(rules, strict=strict)
    journal, keys = given.pop("journal"), given.pop("api_key")
    more = {} if limit is None else {"limits": limit}
    return Settings(
        **{
            **given,
            "pace": given["pace"] or UNPACED,
            "script": Script() if profile is None else _script(profile, shelf),
            "network": _network(given["network"], profile, shelf),
            "chaos": tuple(_chaos(each, shelf) for each in given["chaos"]),
            "models": given["models"] or (),
            "api_keys": dict(keys),
            "mode": "echo" if echo else "generate",
            "rules": rules,
            "journal_file": journal,
            "store": None if given["store"] == "memory" else given["store"],
            "control_token": _token(given["host"], given["control"], given["control_token"]),
            **more,
        }
    )


def _check_flavour(name: str) -> None:
    from mockserver import registry

    try:
        registry.find("mockserver.flavours", name)
    except registry.UnknownName as error:
        raise click.BadParameter(str(error), param_hint="--flavour") from None


def _script(profile: str, shelf: Shelf) -> Script:
    from mockserver.author_errors import nearest

    if not shelf.knows(profile):
        raise click.BadParameter(f"no profile named '{profile}'{nearest(profile, shelf.names())}", param_hint="--profile")
    script = shelf.script(profile)
    if any(turn.door.needs_port for turn in script.turns):
        raise click.BadParameter(
            f"'{profile}' has a door that needs a port of its own: POST /_mock/sessions with "
            f'{{"profile": "{profile}", "own_port": true}} answers with a base_url on one',
            param_hint="--profile",
        )
    return script


def _network(name: str | None, profile: str | None, shelf: Shelf) -> Network | None:
    """The network that was asked for, or that of the profile."""
    from mockserver.author_errors import AuthorError
    from mockserver.session_options import network_named

    if name is not None:
        try:
            return network_named(name, shelf, "--network")
        except AuthorError as error:
            raise click.BadParameter(error.mistakes[0].message, param_hint="--network") from None
    return None if profile is None else shelf.profile(profile).network


def _chaos(text: str, shelf: Shelf) -> Chaos:
    """`NAME:CHANCE`, NAME being a profile, whose first turn it is, or a fault with its own defaults."""
    from mockserver.author_errors import AuthorError
    from mockserver.server_options import read_chaos

    try:
        return read_chaos(text, shelf, "--chaos")
    except AuthorError as error:
        raise click.BadParameter(error.mistakes[0].message, param_hint="--chaos") from None


def _token(hosts: tuple[str, ...], control: bool, given: str | None) -> str | None:
    """Beyond loopback nobody may steer the mock without a token."""
    if given or not control or all(host.startswith(LOOPBACK) for host in hosts):
        return given
    import secrets

    return secrets.token_urlsafe(16)
