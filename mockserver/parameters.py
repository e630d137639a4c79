"""The types a fault's fields may have, and how a value from a file becomes one of them.

A field's type is its check and its part of the JSON Schema: plain types, `Literal`s, `Place`, and the annotated types below.
"""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from mockserver.author_errors import nearest
from mockserver.places import Place, PlaceError
from mockserver.places import parse as parse_place

Seconds = Annotated[float, Meta(ge=0, extra={"unit": "seconds"})]
"""A time: a number of seconds, or text such as `1.5s`, `150ms`, `2m`."""
Count = Annotated[int, Meta(ge=1)]
Size = Annotated[int, Meta(ge=0)]
"""Bytes, or a number that may be none."""
Status = Annotated[int, Meta(ge=100, le=999)]
Share = Annotated[float, Meta(ge=0, le=1)]
CloseCode = Annotated[int, Meta(ge=0, le=65535)]

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}


class ParameterError(ValueError):
    """A value that a field does not take: what came, what was wanted."""


def seconds(value: Any) -> float:
    """A time in seconds from a number or from text with its unit. Raises ParameterError."""
    if isinstance(value, str):
        match = _DURATION.fullmatch(value.strip())
        if match is None:
            raise ParameterError(f"'{value}' is not a time: wanted seconds, or a number with ms, s or m")
        return round(float(match[1]) * _UNITS[match[2]], 9)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ParameterError(f"{value!r} is not a time: wanted seconds (≥ 0), or a number with ms, s or m")
    return float(value)


def value_of(kind: Any, value: Any) -> Any:
    """`value` as the type `kind`. Raises ParameterError."""
    if kind is Place or Place in get_args(kind):
        if value is None and kind is not Place:
            return None
        if not isinstance(value, str):
            raise ParameterError(f"{value!r} is not a place: wanted text such as content:3")
        try:
            return parse_place(value)
        except PlaceError as error:
            raise ParameterError(str(error)) from None
    if is_time(kind):
        return None if value is None and type(None) in get_args(kind) else seconds(value)
    try:
        return msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as error:
        raise ParameterError(f"{_shown(value)}: {_lower(str(error))}{_near(kind, value)}") from None


def types_of(kind: type[Any]) -> dict[str, Any]:
    """A dataclass's fields and their types, in order."""
    hints = get_type_hints(kind, include_extras=True)
    return {item.name: hints[item.name] for item in fields(kind)}


def required(kind: type[Any]) -> tuple[str, ...]:
    """The fields that must be given."""
    return tuple(item.name for item in fields(kind) if item.default is MISSING and item.default_factory is MISSING)


def is_time(kind: Any) -> bool:
    """Whether a field's type is `Seconds`, or that or nothing."""
    if get_origin(kind) is Annotated:
        return any(isinstance(item, Meta) and (item.extra or {}).get("unit") == "seconds" for item in get_args(kind)[1:])
    return any(is_time(part) for part in get_args(kind)) if get_origin(kind) is not None else False


def _near(kind: Any, value: Any) -> str:
    words = [word for part in (kind, *get_args(kind)) for word in get_args(part) if isinstance(word, str)]
    if not words or not isinstance(value, str):
        return ""
    return f" (wanted one of {', '.join(words)})" + nearest(value, words)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
