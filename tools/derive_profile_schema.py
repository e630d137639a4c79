"""Derive `schemas/fault-profile.schema.json` from the faults' fields, so that editors complete and check a profile while it is written.

    python tools/derive_profile_schema.py            write the schema
    python tools/derive_profile_schema.py --check    exit 1 if the committed schema differs from what would be written

A fault's file gives its name, its docstrings the description, its fields the parameters. What a field's type cannot say (a place
that cannot occur, fields that exclude each other) is told by the loader, with file and line.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from types import NoneType
from typing import Any, get_args

import msgspec

from mockserver import parameters
from mockserver.doors import TlsFault
from mockserver.network import TOXICS, aim_of
from mockserver.paces import PRESETS
from mockserver.parameters import Seconds
from mockserver.places import COUNTED, MOMENTS, SINGLE, Place
from mockserver.profiles import fault_class, fault_stages
from mockserver.turns import STAGES, After, Pace
from tools import derived_files

FILE = Path(__file__).parent.parent / "schemas" / "fault-profile.schema.json"

Schema = dict[str, Any]

TIMES: Schema = {
    "description": "A time: seconds as a number, or text with a unit.",
    "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": r"^\s*\d+(\.\d+)?(ms|s|m)\s*$"}],
}
PLACES: Schema = {
    "description": "A place in an answer: content:3 is behind the third content event, inside:content:3 in the middle of it.",
    "type": "string",
    "pattern": rf"^((inside:)?({'|'.join(SINGLE)}|({'|'.join(COUNTED)})(:([1-9]\d*)?)?)|{'|'.join(MOMENTS)}|byte:\d+|time:\d+(\.\d+)?s)$",
    "examples": ["start", "head", "opening", "content:3", "inside:content:3", "tool:1", "finish", "usage", "done", "end", "byte:100"],
}
TEXT: Schema = {
    "description": "A list is exactly these deltas; a string is cut like tokens.",
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}, {"type": "null"}],
}
CALL: Schema = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "arguments": {"description": "An object, or its JSON text.", "anyOf": [{"type": "object"}, {"$ref": "#/$defs/text"}]},
        "id": {"type": ["string", "null"]},
    },
}
CHOICE: Schema = {
    "content": {"$ref": "#/$defs/text"},
    "reasoning": {"$ref": "#/$defs/text"},
    "refusal": {"$ref": "#/$defs/text"},
    "tool_calls": {"type": ["array", "null"], "items": {"$ref": "#/$defs/call"}},
    "function_call": {"description": "The deprecated form of a single call.", "anyOf": [{"$ref": "#/$defs/call"}, {"type": "null"}]},
    "finish_reason": {"type": ["string", "null"], "examples": ["stop", "length", "tool_calls", "content_filter"]},
}
COUNTS = ("prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens")
ANSWER: Schema = {
    "description": "What the model says; it is generated where nothing is given.",
    "anyOf": [
        {"type": "null"},
        {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                **CHOICE,
                "choices": {
                    "type": "array",
                    "minItems": 1,
                    "items": {"type": "object", "additionalProperties": False, "properties": CHOICE},
                },
                "usage": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {name: {"type": "integer", "minimum": 0} for name in COUNTS},
                },
                "model": {"type": "string"},
                "system_fingerprint": {"type": "string"},
                "service_tier": {"type": "string"},
            },
        },
        {
            "type": "object",
            "additionalProperties": False,
            "required": ["replay"],
            "properties": {
                "replay": {"description": "A captured answer, played byte for byte: a file beside the profile.", "type": "string"},
                "line": {"description": "Which line of a file of recordings.", "type": "integer", "minimum": 0},
            },
        },
    ],
}
DOOR: Schema = {
    "description": "What a connection meets before any request.",
    "anyOf": [
        {"enum": ["open", "refuse", "silent", "reset", "close", "http", None]},
        {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
            "properties": {
                "refuse": {"$ref": "#/$defs/time"},
                "silent": {"$ref": "#/$defs/time"},
                "tls": {"enum": list(get_args(TlsFault))},
                "http": {
                    "description": "The status a WebSocket handshake is refused with.",
                    "type": "integer",
                    "minimum": 300,
                    "maximum": 599,
                },
            },
        },
    ],
}


def derive() -> Schema:
    """The schema of a fault profile."""
    listed = fault_schemas()
    return {
        "$comment": "Generated by tools/derive_profile_schema.py from the faults in mockserver/faults; do not edit.",
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": FILE.name,
        "title": "Fault profile",
        "description": "What the first, second, … request of a session meets.",
        "type": "object",
        "additionalProperties": False,
        "required": ["title", "why"],
        "anyOf": [{"required": ["turns"]}, {"required": ["network"]}],
        "properties": {
            "title": {"description": "One line: what goes wrong.", "type": "string", "minLength": 1},
            "why": {"description": "Who does this in production, and what it does to a client.", "type": "string", "minLength": 1},
            "tags": {"type": "array", "items": {"type": "string"}},
            "sources": {"description": "Where it was seen.", "type": "array", "items": {"type": "string", "format": "uri"}},
            "turns": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/turn"}},
            "after": {
                "description": "Behind the last turn: it again, all again, or status 500.",
                "enum": list(get_args(After)),
            },
            "network": {
                "description": "What lies between client and mock, as Toxiproxy makes it: bytes meet these in their order.",
                "type": "array",
                "minItems": 1,
                "items": {"$ref": "#/$defs/toxic"},
            },
        },
        "$defs": {
            "turn": {
                "description": "What one request meets.",
                "type": ["object", "null"],
                "additionalProperties": False,
                "properties": {
                    "answer": ANSWER,
                    "pace": {"description": "A pace's name, or its figures.", "anyOf": [{"enum": [*PRESETS, None]}, fields_schema(Pace)]},
                    "faults": {"type": ["array", "null"], "items": {"$ref": "#/$defs/fault"}},
                    "door": DOOR,
                },
            },
            "fault": named(
                "A fault's name alone, or with its fields, or with its first field's value.",
                listed,
                [name for name in listed if not parameters.required(fault_class(name))],
            ),
            "toxic": named(
                "A toxic's name alone, or with its fields, or with its first field's value.",
                {name: toxic_schema(name) for name in TOXICS},
                [name for name, kind in TOXICS.items() if not parameters.required(kind)],
            ),
            "choice": {"type": "object", "additionalProperties": False, "properties": CHOICE},
            "call": CALL,
            "text": TEXT,
            "place": PLACES,
            "time": TIMES,
        },
    }


def named(description: str, listed: dict[str, Schema], alone: list[str]) -> Schema:
    """One of these by its name: alone where nothing must be said of it, else as the only key of a mapping."""
    mapping = {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": False, "properties": listed}
    return {"description": description, "anyOf": [{"enum": alone}, mapping]}


def toxic_schema(name: str) -> Schema:
    """What may stand behind a toxic's name: its own fields, and when and on what it acts."""
    kind = TOXICS[name]
    own, aim = fields_schema(kind), fields_schema(aim_of(name))
    merged = {part: {**own.get(part, {}), **aim.get(part, {})} for part in ("properties", "patternProperties")}
    whole = {**own, **{part: schema for part, schema in merged.items() if schema}}
    alone = [] if parameters.required(kind) else [{"type": "null"}]
    first = first_field(kind) if parameters.types_of(kind) else [schema_of(Seconds)]
    return {"description": inspect.getdoc(kind), "anyOf": [whole, *alone, *first]}


def fault_schemas() -> dict[str, Schema]:
    """Every fault by its name, stage by stage."""
    stages = fault_stages()
    return {name: fault_schema(fault_class(name)) for stage in STAGES for name in sorted(stages) if stages[name] == stage}


def fault_schema(fault: type[Any]) -> Schema:
    """What may stand behind a fault's name."""
    whole = fields_schema(fault)
    whole["properties"]["chance"] = {"description": "How likely it is drawn.", "type": "number", "minimum": 0, "maximum": 1}
    forms = [whole, *([] if parameters.required(fault) else [{"type": "null"}]), *first_field(fault)]
    prose = [inspect.getdoc(inspect.getmodule(fault)), fault.__dict__.get("__doc__")]
    told = "\n\n".join(inspect.cleandoc(text) for text in prose if text and not text.startswith(f"{fault.__name__}("))
    return {"description": told, "anyOf": forms}


def first_field(fault: type[Any]) -> Iterator[Schema]:
    """Its first field's value may stand in place of the mapping, unless it is a mapping too or another field must be given."""
    name, kind = next(iter(parameters.types_of(fault).items()), ("", None))
    if name and set(parameters.required(fault)) <= {name}:
        schema = schema_of(kind)
        branches = schema.get("anyOf", [schema])
        yield from (branch for branch in branches if branch.get("type") != "object" and branch != {"type": "null"})


def fields_schema(kind: type[Any]) -> Schema:
    """A dataclass of ours as a mapping of its fields. A name may be written with hyphens too; editors propose it with underscores."""
    defaults = {item.name: item.default for item in fields(kind)}
    properties = {name: {**schema_of(type_), **default_of(defaults[name])} for name, type_ in parameters.types_of(kind).items()}
    hyphened = {f"^{_hyphened(name)}$": schema for name, schema in properties.items() if "_" in name}
    needed = [{"anyOf": [{"required": [name]}, {"required": [_hyphened(name)]}]} for name in parameters.required(kind) if "_" in name]
    schema: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
    if hyphened:
        schema["patternProperties"] = hyphened
    if plain := [name for name in parameters.required(kind) if "_" not in name]:
        schema["required"] = plain
    if needed:
        schema["allOf"] = needed
    return schema


def _hyphened(name: str) -> str:
    return name.replace("_", "-")


def schema_of(kind: Any) -> Schema:
    """The JSON Schema of a field's type."""
    arms = get_args(kind)
    if kind is Place or Place in arms:
        return _or_null({"$ref": "#/$defs/place"}, kind)
    if parameters.is_time(kind):
        return _or_null({"$ref": "#/$defs/time"}, kind)
    schema = msgspec.json.schema(kind)
    schema.pop("default", None)
    return schema


def _or_null(schema: Schema, kind: Any) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]} if NoneType in get_args(kind) else schema


def default_of(value: Any) -> Schema:
    if value is MISSING or value is None:
        return {}
    return {"default": str(value) if isinstance(value, Place) else value}


def texts(file: Path = FILE) -> derived_files.Texts:
    return {file: json.dumps(derive(), indent=2, ensure_ascii=False) + "\n"}


if __name__ == "__main__":
    sys.exit(derived_files.main(texts, "Derive the schema of fault profiles."))
