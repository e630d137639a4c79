"""Show what a fault profile does, step by step, without playing it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from mockserver import registry
from mockserver.author_errors import nearest
from mockserver.channels import DialectName
from mockserver.cli._curl import curl, hello
from mockserver.doors import Door
from mockserver.reactions import Reactions
from mockserver.steps import End, Frame, HangUp, Head, Message, Pulse, Raw, Reset, Stall, Step, Timeline, Vanish, Wait, WaitFor

if TYPE_CHECKING:
    from mockserver.network import Network
    from mockserver.plan import Plan
    from mockserver.profiles import Profile

SHOWN = 24
"""Steps of a timeline that are shown from each of its ends."""
PREVIEW = 72


@click.command(short_help="The timeline of a profile, with times and bytes.")
@click.argument("profile")
@click.option("--dialect", type=click.Choice(get_args(DialectName)), help="Default: the first that the profile has a meaning in.")
@click.option("--flavour", default="openai", show_default=True, help="Whose way of speaking.")
@click.option("--seed", default=0, show_default=True, help="What chance follows from.")
def explain(profile: str, dialect: DialectName | None, flavour: str, seed: int) -> None:
    """Print the timeline of each turn, with times and bytes, and a line that plays it.

    PROFILE is a name, or a file.
    """
    found = _find(profile)
    chosen = dialect or next(name for name in get_args(DialectName) if name in (found.dialects or get_args(DialectName)))
    flavours = registry.names("mockserver.flavours")
    if flavour not in flavours:
        raise click.ClickException(f"no flavour named '{flavour}'{nearest(flavour, flavours)}; known: {', '.join(flavours)}")
    if chosen not in found.dialects:
        raise click.ClickException(f"'{found.name}' has no meaning on {chosen}; it has one on {', '.join(sorted(found.dialects))}")
    for line in explanation(found, chosen, flavour, seed):
        click.echo(line)


def _find(name: str) -> Profile:
    from mockserver.author_errors import AuthorError
    from mockserver.profiles import Shelf, load_file

    shelf = Shelf()
    try:
        if not shelf.knows(name) and Path(name).is_file():
            return load_file(Path(name))
        if not shelf.knows(name):
            raise click.ClickException(f"no profile and no file '{name}'{nearest(name, shelf.names())}; `streamproof profiles` lists them")
        return shelf.profile(name)
    except AuthorError as error:
        raise click.ClickException(str(error)) from None


def explanation(profile: Profile, dialect: DialectName, flavour: str, seed: int) -> Iterator[str]:
    """The lines that are printed."""
    yield f"{click.style(profile.name, bold=True)}: {profile.title}"
    yield profile.why
    yield from _network(profile.network)
    turns = profile.script.turns
    for number, turn in enumerate(turns):
        yield ""
        yield click.style(f"request {number + 1} of {len(turns)} ({dialect}, {flavour})", bold=True)
        yield from _door(turn.door)
        if turn.door.kind == "open":
            plan = _planned(profile, number, dialect, flavour, seed)
            yield from _plan(plan)
            for use in turn.faults:
                if use.chance < 1:
                    drawn = "drawn" if use.name in (*plan.fired, *plan.unfired) else "not drawn"
                    yield f"  {use.name} with a chance of {use.chance:g}: {drawn} with --seed {seed}"
    yield ""
    yield f"after that: {AFTER[profile.script.after]}"
    yield from _how_to_play(profile, dialect)


AFTER = {"stay": "the last turn again and again", "repeat": "from the first turn on again", "fail": "500, script exhausted"}


def _planned(profile: Profile, number: int, dialect: DialectName, flavour: str, seed: int) -> Plan:
    from mockserver.answers import Request
    from mockserver.exchange import Call, Exchange
    from mockserver.sessions import Session
    from mockserver.settings import Settings

    session = Session("explain", profile.script, seed=seed, flavour=flavour)
    request = Request(hello(stream=dialect != "json"), "gpt-4.1")
    return Exchange(Settings(), lambda _: False).prepare(Call(request, session, number, profile.script.turn(number), dialect)).plan


def _door(door: Door) -> Iterator[str]:
    if door.kind != "open":
        detail = door.tls or (f"{door.error.status}" if door.error else f"{door.seconds:g} s" if door.seconds else "")
        yield f"  the door: {click.style(f'{door.kind} {detail}'.strip(), fg='red')}"


def _plan(plan: Plan) -> Iterator[str]:
    rows = list(_rows(plan.timeline))
    hidden = len(rows) - 2 * SHOWN
    yield from rows if hidden < 2 else rows[:SHOWN]
    if hidden >= 2:
        yield f"{'':>20}… {hidden} more …"
        yield from rows[-SHOWN:]
    usual = Reactions()
    for item in fields(Reactions):
        value = getattr(plan.reactions, item.name)
        if value != getattr(usual, item.name):
            yield f"  the client meets {click.style(f'{item.name}: {value}', fg='yellow')}"
    if plan.unfired:
        yield f"  {click.style('could not act here', fg='yellow')}: {', '.join(plan.unfired)}"


def _rows(timeline: Timeline) -> Iterator[str]:
    """A line a step: when it is due, how many bytes of payload, what it is."""
    due = 0.0
    for step in timeline:
        if isinstance(step, Wait):
            due += step.seconds
            continue
        size = f"{len(step.data)} B" if isinstance(step, Message | Raw | Frame) else ""
        yield f"{due:>9.3f} s {size:>8}  {_said(step)}"


def _said(step: Step) -> str:
    match step:
        case Head():
            kind = next((value for name, value in step.headers if name.lower() == "content-type"), "no content-type")
            length = f"content-length {step.declared}" if step.declared is not None else step.framing
            slow = f", at {step.bytes_per_second} bytes a second, and all else as much later" if step.bytes_per_second else ""
            return f"head         {step.status}, {kind}, {', '.join(step.codings) or 'identity'}, {length}{slow}"
        case Message() | Raw() | Frame():
            kind = step.kind if isinstance(step, Frame) else "raw bytes" if isinstance(step, Raw) and not step.mark else step.mark or "part"
            return f"{kind:<12} {_preview(step.data)}"
        case End():
            return "end" if step.close is None else f"close        {step.close} {step.reason}"
        case Reset():
            return _ending("reset", "RST" + (", without waiting for what was sent" if step.abrupt else ""))
        case HangUp():
            return _ending("hang-up", "FIN")
        case Stall():
            return _ending("stall", "nothing more; the connection stays")
        case Vanish():
            return _ending("vanish", "nothing is read or written any more")
        case Pulse():
            return _ending("pulse", f"every {step.every:g} s {_preview(step.message.data)}")
        case WaitFor():
            return f"wait for     {step.what}, at most {step.at_most:g} s"
        case Wait():
            return f"wait         {step.seconds:g} s"


def _ending(name: str, meaning: str) -> str:
    return f"{click.style(f'{name:<12}', fg='red')} {meaning}"


def _preview(data: bytes) -> str:
    """A chunk's delta tells more than its beginning, which is the same in all of them."""
    text = repr(data.decode("utf-8", "backslashreplace"))[1:-1]
    at = max(0, text.find('"delta":'))
    shown = f"{'…' if at else ''}{text[at : at + PREVIEW]}{'…' if at + PREVIEW < len(text) else ''}"
    return click.style(shown, dim=True)


def _network(network: Network | None) -> Iterator[str]:
    """What lies between, toxic by toxic: attributes, then when and on what it acts where that is not everything."""
    if network is None:
        return
    yield ""
    yield click.style("in between, by Toxiproxy", bold=True)
    for toxic in network.toxics:
        given = [(item.name, getattr(part, item.name), item.default) for part in (toxic.attributes, toxic.aim) for item in fields(part)]
        told = [
            f"{name} {value:g}" if isinstance(value, int | float) else f"{name} {value}" for name, value, usual in given if value != usual
        ]
        yield f"    {toxic.type:<12} {', '.join(told)}".rstrip()


def _how_to_play(profile: Profile, dialect: DialectName) -> Iterator[str]:
    body = hello(stream=dialect != "json")
    origin = "http://127.0.0.1:8080"
    yield ""
    if profile.needs_port:
        doors = any(turn.door.needs_port for turn in profile.script.turns)
        asked = json.dumps({"profile": profile.name, **({"own_port": True} if doors else {})})
        yield f"curl -s {origin}/_mock/sessions -H 'content-type: application/json' -d '{asked}'   # answers with a base_url of its own"
    elif dialect.startswith("ws"):
        url = f"{origin.replace('http', 'ws')}/p/{profile.name}/v1/ws/chat?key=any&dialect={dialect}"
        yield f"python -m websockets '{url}'   # then send: {json.dumps(body)}"
    else:
        yield curl(f"{origin}/p/{profile.name}/v1", body)
