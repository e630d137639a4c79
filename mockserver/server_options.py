"""What a server may be asked to be in a test: the words of `session(…)` for its default session, texts as `serve`'s flags take them,
or the fields of `Settings` as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from mockserver import profiles
from mockserver.access import read_key
from mockserver.author_errors import AuthorError, Mistake, nearest
from mockserver.limits import Limits
from mockserver.profiles import Shelf
from mockserver.session_options import read_network, read_options
from mockserver.settings import Settings
from mockserver.turns import Chaos, Pace, Turn

SOURCE = "MockServer"
_OF_A_SESSION = ("profile", "turns", "after", "flavour", "pace", "limits")
_OF_ANSWERS = ("answers", "strict", "echo")
_FIELDS = [field.name for field in fields(Settings) if field.name != "script"]
KNOWN = sorted({*_FIELDS, *_OF_A_SESSION, *_OF_ANSWERS})


def read_settings(given: Mapping[str, Any], shelf: Shelf) -> Settings:
    """`pace` and `limits` as a session has them, `api_keys` as texts (`KEY`, `KEY=after:5`, `KEY=for:30s`), `chaos` as
    `NAME:CHANCE`, `network` by name or as toxics, `echo`, `answers` (a file) and `strict` as `serve` has them; None as if it were
    not given. Raises AuthorError."""
    given = {name: value for name, value in given.items() if value is not None}
    unknown = [f"no option '{name}'{nearest(name, KNOWN)}; known: {', '.join(KNOWN)}" for name in given if name not in KNOWN]
    if unknown:
        raise AuthorError([Mistake(SOURCE, 1, each) for each in unknown])
    asked = {name: value for name, value in given.items() if name in _OF_A_SESSION and not isinstance(value, Pace | Limits)}
    options = read_options(asked, shelf, SOURCE)
    settings: dict[str, Any] = {name: value for name, value in given.items() if name not in asked and name not in _OF_ANSWERS}
    settings |= _answers(given) | {name: getattr(options, name) for name in _FIELDS if name in asked}
    settings |= {
        "script": options.script,
        "api_keys": _keys(given.get("api_keys", ())),
        "models": tuple(given.get("models", ())),
        "chaos": tuple(each if isinstance(each, Chaos) else read_chaos(each, shelf, SOURCE) for each in given.get("chaos", ())),
        "network": options.network or read_network(given.get("network"), shelf, "network"),
    }
    return Settings(**settings)


def _answers(given: Mapping[str, Any]) -> dict[str, Any]:
    """What the model says: its own, the last message again, or what a file of rules says."""
    said: dict[str, Any] = {"mode": "echo"} if given.get("echo") else {}
    if "answers" in given:
        from mockserver.model.rules import load

        said["rules"] = load(Path(given["answers"]), strict=bool(given.get("strict")))
    return said


def _keys(given: Any) -> dict[str, Any]:
    return dict(given) if isinstance(given, Mapping) else dict(map(read_key, given))


def read_chaos(text: str, shelf: Shelf, source: str) -> Chaos:
    """`NAME:CHANCE`, NAME being a profile, whose first turn it is, or a fault with its own defaults. Raises AuthorError."""
    name, _, chance = text.rpartition(":")
    try:
        share = float(chance)
    except ValueError:
        share = -1.0
    if not name or not 0 <= share <= 1:
        raise AuthorError([Mistake(source, 1, f"'{text}': wanted NAME:CHANCE with a chance from 0 to 1, such as reset-mid-stream:0.05")])
    if shelf.knows(name):
        return Chaos(shelf.script(name).turns[0], share)
    if name not in profiles.fault_stages():
        near = nearest(name, (*shelf.names(), *profiles.fault_stages()))
        raise AuthorError([Mistake(source, 1, f"no profile and no fault is named '{name}'{near}")])
    return Chaos(Turn(faults=(profiles.load_use(name, source),)), share)
