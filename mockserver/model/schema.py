"""A JSON Schema as one flat set of keywords at a time: references followed, `allOf` merged (draft 2020-12, and what earlier drafts
wrote differently)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

Keywords = Mapping[str, Any]

_MAX_REFERENCES = 64
"""How many references in a row are followed before a loop is suspected."""

_HOLDERS = (
    ("object", ("properties", "required", "additionalProperties", "patternProperties", "minProperties", "propertyNames")),
    ("array", ("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains")),
    ("string", ("pattern", "format", "minLength", "maxLength")),
    ("number", ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
)


def flat(schema: Any, root: Any) -> Keywords:
    """The schema's keywords with `$ref` replaced and `allOf` merged in. `true` is `{}`; `false` cannot be met and is `{"not": {}}`."""
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    if not isinstance(schema, Mapping):
        return {}
    keywords: Keywords = schema
    for _ in range(_MAX_REFERENCES):
        reference = keywords.get("$ref", keywords.get("$dynamicRef"))
        if not isinstance(reference, str):
            break
        beside = {key: value for key, value in keywords.items() if key not in ("$ref", "$dynamicRef")}
        target = referred(reference, root)
        keywords = merged(target, beside) if isinstance(target, Mapping) else beside
    parts = keywords.get("allOf")
    if isinstance(parts, list):
        keywords = {key: value for key, value in keywords.items() if key != "allOf"}
        for part in parts[:_MAX_REFERENCES]:
            keywords = merged(keywords, flat(part, root) if not _refers_to(part, schema, root) else {})
    return keywords


def referred(reference: str, root: Any) -> Any:
    """The part of the document a reference within it names: a JSON pointer (RFC 6901), an `$anchor` or an `$id`; {} if there is none."""
    _, hash_, fragment = reference.partition("#")
    if hash_ and (not fragment or fragment.startswith("/")):
        part = root
        for token in unquote(fragment).split("/")[1:]:
            token = token.replace("~1", "/").replace("~0", "~")
            if isinstance(part, Mapping):
                part = part.get(token, {})
            else:
                part = part[int(token)] if isinstance(part, list) and token.isdigit() and int(token) < len(part) else {}
        return part
    for part in parts_of(root):
        if (fragment and fragment in (part.get("$anchor"), part.get("$dynamicAnchor"))) or part.get("$id") == reference:
            return part
    return {}


def parts_of(schema: Any) -> Iterator[Mapping[str, Any]]:
    """Every mapping in a schema document."""
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Mapping):
            yield part
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def merged(one: Keywords, other: Keywords) -> Keywords:
    """A schema that asks for both, where both can be said by plain keywords."""
    result = dict(one)
    for key, value in other.items():
        result[key] = _BOTH[key](result[key], value) if key in result and key in _BOTH else value
    return result


def types_of(keywords: Keywords) -> tuple[str, ...]:
    """The types a value may have; guessed from the other keywords where `type` does not say. Empty: any."""
    kind = keywords.get("type")
    if isinstance(kind, str):
        return (kind,)
    if isinstance(kind, list):
        return tuple(kind)
    return tuple(name for name, holders in _HOLDERS if any(key in keywords for key in holders))[:1]


def _refers_to(part: Any, schema: Any, root: Any) -> bool:
    """A schema whose `allOf` names the schema itself has no value at all; it is not followed."""
    return isinstance(part, Mapping) and isinstance(part.get("$ref"), str) and referred(part["$ref"], root) is schema


def _types(one: Any, other: Any) -> Any:
    first, second = ([kind] if isinstance(kind, str) else list(kind) for kind in (one, other))
    both = [kind for kind in first if kind in second or (kind == "integer" and "number" in second)]
    return both + [kind for kind in second if kind == "integer" and "number" in first and kind not in both] or other


def _properties(one: Any, other: Any) -> Any:
    return dict(one) | {name: {"allOf": [one[name], schema]} if name in one else schema for name, schema in other.items()}


def _each(one: Any, other: Any) -> Any:
    return {"allOf": [one, other]}


_BOTH: dict[str, Callable[[Any, Any], Any]] = {
    "type": _types,
    "properties": _properties,
    "items": _each,
    "additionalProperties": _each,
    "required": lambda one, other: list(dict.fromkeys([*one, *other])),
    "enum": lambda one, other: [value for value in one if value in other] or other,
    "anyOf": lambda one, other: [{"allOf": [first, second]} for first in one for second in other],
    "allOf": lambda one, other: [*one, *other],
    "minimum": max, "minLength": max, "minItems": max, "minProperties": max, "exclusiveMinimum": max,
    "maximum": min, "maxLength": min, "maxItems": min, "maxProperties": min, "exclusiveMaximum": min,
    "uniqueItems": lambda one, other: one or other,
}  # fmt: skip
