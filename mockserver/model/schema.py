"""A JSON Schema as one flat set of keywords at a time: references followed, `allOf` merged (draft 2020-12, and what earlier drafts
wrote differently)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice, product
from typing import Any
from urllib.parse import unquote

Keywords = Mapping[str, Any]

_MAX_BRANCHES = 256
"""How many pairs of branches are formed where two schemas each have an `anyOf`."""

_MAX_PARTS = 5_000
_UNFOLDED = 3
_NAMING = frozenset(("$ref", "$dynamicRef", "$defs", "definitions", "$id", "$anchor", "$dynamicAnchor", "$schema"))

_HOLDERS = (
    ("object", ("properties", "required", "additionalProperties", "patternProperties", "minProperties", "propertyNames")),
    ("array", ("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains")),
    ("string", ("pattern", "format", "minLength", "maxLength")),
    ("number", ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
)


def flat(schema: Any, root: Any) -> Keywords:
    """The schema's keywords with `$ref` replaced and `allOf` merged in. `true` is `{}`; `false` cannot be met and is `{"not": {}}`.

    Each part is merged once: twice would say no more, and what refers to itself comes to an end.
    """
    return _flat(schema, root, set())


def _flat(schema: Any, root: Any, seen: set[int]) -> Keywords:
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    if not isinstance(schema, Mapping) or id(schema) in seen:
        return {}
    seen.add(id(schema))
    keywords: Keywords = {key: value for key, value in schema.items() if key not in ("$ref", "$dynamicRef", "allOf")}
    reference = schema.get("$ref", schema.get("$dynamicRef"))
    if isinstance(reference, str):
        keywords = merged(_flat(referred(reference, root), root, seen), keywords)
    for part in schema.get("allOf") or ():
        keywords = merged(keywords, _flat(part, root, seen))
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


def unfolded(root: Any) -> Any:
    """The schema with its references written out, three levels of a recursive one; beyond that, and outside the document, anything
    is accepted. A validator's work on such a tree is bounded: references can make a page of schema cost years.
    """
    left = _MAX_PARTS

    def unfold(part: Any, within: tuple[str, ...]) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            return True
        if isinstance(part, list):
            return [unfold(item, within) for item in part]
        if not isinstance(part, Mapping):
            return part
        rest = {key: unfold(value, within) for key, value in part.items() if key not in _NAMING}
        reference = part.get("$ref", part.get("$dynamicRef"))
        if not isinstance(reference, str):
            return rest
        target = True if within.count(reference) >= _UNFOLDED else unfold(referred(reference, root), (*within, reference))
        return {"allOf": [target, rest]}

    return unfold(root, ())


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
    "anyOf": lambda one, other: [_each(first, second) for first, second in islice(product(one, other), _MAX_BRANCHES)],
    "minimum": max, "minLength": max, "minItems": max, "minProperties": max, "exclusiveMinimum": max,
    "maximum": min, "maxLength": min, "maxItems": min, "maxProperties": min, "exclusiveMaximum": min,
    "uniqueItems": lambda one, other: one or other,
}  # fmt: skip
