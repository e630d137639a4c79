"""A believable value that a JSON Schema accepts."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from random import Random
from typing import Any

from mockserver.model import believable, pattern
from mockserver.model.schema import Keywords, flat, merged, parts_of, types_of, unfolded
from mockserver.model.sentences import LANGUAGES
from mockserver.model.text import sentence

_DEEP = 5
"""From this depth on nothing is added that is not required, so that a recursive schema comes to an end."""

_DEEPEST = 40
"""Here a schema that requires itself for ever gets null: no value could satisfy it."""

_MAX_VALUES = 5_000
_MAX_LENGTH = 100_000
"""What one answer may hold, in values and in characters of a string, whatever `minItems` and `minLength` ask for."""

_TRIALS = 40

_TRIED = (
    "not if oneOf anyOf allOf contains dependentSchemas dependencies propertyNames patternProperties unevaluatedProperties "
    "unevaluatedItems $dynamicRef"
)
"""Keywords whose meeting is found by trial: a value is made, checked by a real validator, and made again if it fails."""

_CHECKED = frozenset(_TRIED.split())

_PLACE = re.compile(r"\b(?:in|at|for|from|to|near|of)\s+((?:[A-Z][\w'’-]+)(?:\s[A-Z][\w'’-]+)*)")
_ASKS = frozenset(("query", "question", "prompt", "search", "q", "input", "keywords"))


def value(schema: Any, random: Random, *, language: str = "en", about: str = "") -> Any:
    """A value of plain JSON types that `schema` accepts, if one is met within bounded trials; references leave the document
    never. `about` is the text that asked for it: places, choices and questions named there are used. Raises BadSchema."""
    try:
        return _value(schema, random, language, about)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise BadSchema(_reason(schema) or f"it cannot be followed ({error})") from error


def _value(schema: Any, random: Random, language: str, about: str) -> Any:
    hard = any(_CHECKED & part.keys() for part in parts_of(schema))
    accepts = _validator(schema) if hard else None
    made, spent = None, 0
    for _ in range(_TRIALS):
        maker = _Maker(schema, random, language, about)
        made = maker.make(schema, "", 0)
        spent += _MAX_VALUES - maker.left
        if accepts is None or spent >= _MAX_VALUES or accepts.is_valid(made):
            break
    return made


def _reason(schema: Any) -> str | None:
    import jsonschema_rs

    try:
        jsonschema_rs.meta.validate(schema)
    except ValueError as error:
        return str(error).partition("\n")[0]
    return None


def _validator(schema: Any) -> Any:
    """None for a schema that no validator would take."""
    import jsonschema_rs

    with suppress(ValueError):
        return jsonschema_rs.Draft202012Validator(unfolded(schema))
    return None


class BadSchema(ValueError):
    """What a client sent as a JSON Schema is none; the message says why, `param` and `code` are those of the API error."""

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.param = param
        self.code = code


class _Maker:
    """One value in the making; it knows the whole schema, for references, and how much may still be made."""

    def __init__(self, root: Any, random: Random, language: str, about: str) -> None:
        self.root = root
        self.random = random
        self.language = language
        self.locale = LANGUAGES[language].locale
        self.about = about
        self.left = _MAX_VALUES

    def make(self, schema: Any, name: str, depth: int) -> Any:
        """A value for a property called `name` ("" where there is none), `depth` levels below the top."""
        self.left -= 1
        if depth > _DEEPEST or self.left < 0:
            return None
        keywords = self.chosen(flat(schema, self.root), depth)
        if "const" in keywords:
            return keywords["const"]
        if keywords.get("enum"):
            return self.member(keywords)
        kind = self.kind(keywords, depth)
        match kind:
            case "object":
                return self.object(keywords, depth)
            case "array":
                return self.array(keywords, name, depth)
            case "string":
                return self.string(keywords, name)
            case "integer" | "number":
                return self.number(keywords, name, whole=kind == "integer")
            case "boolean":
                return self.random.random() < 0.5
            case _:
                return None

    def chosen(self, keywords: Keywords, depth: int) -> Keywords:
        """The keywords with one branch of `anyOf` and `oneOf` and, of an `if`, both together merged in."""
        for alternative in ("anyOf", "oneOf"):
            branches = keywords.get(alternative)
            if isinstance(branches, list) and branches:
                beside = {key: part for key, part in keywords.items() if key != alternative}
                branch = merged(beside, flat(self.branch(branches, depth), self.root))
                keywords = self.chosen(branch, depth + 1) if depth <= _DEEPEST else beside
        condition = keywords.get("if")
        if condition is not None:
            beside = {key: part for key, part in keywords.items() if key not in ("if", "then", "else")}
            met = self.random.random() < 0.5
            parts = (condition, keywords.get("then", {})) if met else (keywords.get("else", {}),)
            for part in parts:
                beside = dict(merged(beside, flat(part, self.root)))
            keywords = beside
        return keywords

    def branch(self, branches: list[Any], depth: int) -> Any:
        """Any but null in four of five; deep down one that ends, if there is one."""
        nulls = [branch for branch in branches if types_of(flat(branch, self.root)) == ("null",)]
        ending = nulls or [branch for branch in branches if not {"object", "array"} & set(types_of(flat(branch, self.root)))]
        if depth >= _DEEP and ending:
            return self.random.choice(ending)
        others = [branch for branch in branches if branch not in nulls]
        return self.random.choice(nulls if nulls and (not others or self.random.random() < 0.2) else others)

    def kind(self, keywords: Keywords, depth: int) -> str:
        kinds = types_of(keywords) or ("string",)
        if len(kinds) > 1 and "null" in kinds:
            kinds = ("null",) if depth >= _DEEP or self.random.random() < 0.2 else tuple(kind for kind in kinds if kind != "null")
        return self.random.choice(kinds)

    def member(self, keywords: Keywords) -> Any:
        """One of the choices, that which the request names if it names one."""
        kinds = types_of(keywords) if "type" in keywords else ()
        members = [member for member in keywords["enum"] if not kinds or _is(member, kinds)] or keywords["enum"]
        asked = [member for member in members if isinstance(member, str) and member and _names(self.about, member)]
        return self.random.choice(asked or members)

    def object(self, keywords: Keywords, depth: int) -> dict[str, Any]:
        properties = keywords.get("properties") or {}
        wanted = self.wanted(keywords, properties, depth)
        made = {name: self.make(self.schema_of(name, keywords), name, depth + 1) for name in wanted}
        rest = keywords.get("additionalProperties", keywords.get("unevaluatedProperties", {}))
        patterns = list((keywords.get("patternProperties") or {}).items())
        least = keywords.get("minProperties", 0)
        if not made and depth < _DEEP and (patterns or (isinstance(rest, Mapping) and rest)):
            least = max(least, min(2, keywords.get("maxProperties", 2)))
        for _ in range(4 * min(least, _MAX_VALUES)):
            if len(made) >= least or self.left < 0:
                break
            key = self.key(keywords, patterns)
            if key not in made:
                made[key] = self.make(self.schema_of(key, keywords), key, depth + 1)
        return made

    def wanted(self, keywords: Keywords, properties: Mapping[str, Any], depth: int) -> list[str]:
        """Names of the properties to give, in the schema's order: the required ones, some of the others, and what these depend on."""
        required = list(keywords.get("required") or ())
        free = [name for name, schema in properties.items() if schema is not False and depth < _DEEP and self.random.random() < 0.7]
        some = [name for name in properties if name in required or name in free]
        least, most = keywords.get("minProperties", 0), keywords.get("maxProperties", len(properties) + len(required))
        some += [name for name in properties if name not in some][: max(0, least - len(some))]
        depends = keywords.get("dependentRequired") or keywords.get("dependencies") or {}
        names = dict.fromkeys([name for name in required if name in some] + required)
        for name in some:
            if len(names) < most:
                names.setdefault(name)
        waiting = list(names)
        while waiting:
            needed = depends.get(waiting.pop())
            added = [name for name in needed if name not in names] if isinstance(needed, list) else []
            names |= dict.fromkeys(added)
            waiting += added
        order = {name: place for place, name in enumerate(properties)}
        return sorted(names, key=lambda name: order.get(name, len(order)))

    def schema_of(self, name: str, keywords: Keywords) -> Any:
        properties = keywords.get("properties") or {}
        found = [properties[name]] if name in properties else []
        found += [schema for regex, schema in (keywords.get("patternProperties") or {}).items() if pattern.found(regex, name)]
        if not found:
            rest = keywords.get("additionalProperties", keywords.get("unevaluatedProperties", {}))
            return rest if isinstance(rest, Mapping) else {}
        return found[0] if len(found) == 1 else {"allOf": found}

    def key(self, keywords: Keywords, patterns: list[tuple[str, Any]]) -> str:
        if patterns:
            # A length of its own each time: the shortest match of `^x_` is always the same.
            return pattern.matching(self.random.choice(patterns)[0], self.random, self.random.randint(4, 9)) or "key"
        if isinstance(keywords.get("propertyNames"), Mapping):
            return str(self.make({"type": "string", **keywords["propertyNames"]}, "keyword", _DEEP))
        return f"{self.random.choice(('alpha', 'beta', 'gamma', 'delta', 'omega'))}_{self.random.randint(1, 999)}"

    def array(self, keywords: Keywords, name: str, depth: int) -> list[Any]:
        first = keywords.get("prefixItems")
        rest = keywords.get("items", {})
        if isinstance(rest, list):
            first, rest = rest, keywords.get("additionalItems", {})
        first = first or []
        contained = [keywords["contains"]] * min(keywords.get("minContains", 1), _MAX_VALUES) if "contains" in keywords else []
        kinds = [*first, *contained]
        least = max(keywords.get("minItems", 0), len(contained))
        usual = max(least, len(first) if rest is False or first else 0 if depth >= _DEEP else self.random.randint(1, 3))
        most = min(keywords.get("maxItems", usual), len(first) if rest is False else usual)
        made: list[Any] = []
        seen: set[str] = set()
        trials = 200 + most
        while len(made) < max(least, most) and trials > 0 and self.left > 0:
            trials -= 1
            place = len(made)
            item = self.make(kinds[place] if place < len(kinds) else rest, name, depth + 1)
            written = json.dumps(item, sort_keys=True)
            if not (keywords.get("uniqueItems") and written in seen):
                made.append(item)
                seen.add(written)
        return made

    def string(self, keywords: Keywords, name: str) -> str:
        shortest = min(int(keywords.get("minLength", 0)), _MAX_LENGTH)
        longest = min(int(keywords.get("maxLength", _MAX_LENGTH)), _MAX_LENGTH)
        self.left -= shortest // 100
        if isinstance(keywords.get("pattern"), str):
            text = pattern.matching(keywords["pattern"], self.random, shortest, longest)
            if text is not None:
                return text
        if isinstance(keywords.get("format"), str):
            text = believable.formatted(keywords["format"], self.random)
            if text is not None:
                return text
        return self.fitted(self.plain(name), shortest, longest)

    def plain(self, name: str) -> str:
        """A string by the property's name: taken from the request's own words where they fit, else made."""
        last = (believable.words_of(name) or [""])[-1]
        if last in _ASKS and self.about:
            return " ".join(self.about.split())[:200]
        made = None if believable.is_prose(name) else believable.named(name, self.locale, self.random)
        place = _PLACE.search(self.about) if last in ("city", "location", "place", "destination", "town") else None
        if place:
            return place[1]
        if made is None and name and not believable.is_prose(name) and self.language == "en":
            return believable.word(self.random)
        return made or sentence(self.random, self.language)

    def fitted(self, text: str, shortest: int, longest: int) -> str:
        while len(text) < shortest:
            text += " " + sentence(self.random, self.language)
        if len(text) <= longest:
            return text
        cut = text[:longest].rstrip()
        return cut if len(cut) >= shortest else text[:longest].replace(" ", "-")

    def number(self, keywords: Keywords, name: str, *, whole: bool) -> int | float:
        low, high = _bounds(keywords, believable.range_of(name))
        step = keywords.get("multipleOf")
        if step:
            return self.multiple(low, high, step, whole=whole)
        low_open, high_open = _open(keywords)
        if whole:
            first = math.floor(low) + 1 if low == low_open else math.ceil(low)
            last = math.ceil(high) - 1 if high == high_open else math.floor(high)
            return self.random.randint(first, max(first, last))
        for _ in range(_TRIALS):
            exact = self.random.uniform(low, high)
            for made in (round(exact, 2), exact):
                if low <= made <= high and made not in (low_open, high_open):
                    return made
        return low

    def multiple(self, low: float, high: float, step: float, *, whole: bool) -> int | float:
        size = Decimal(str(step))
        first, last = math.ceil(Decimal(str(low)) / size), math.floor(Decimal(str(high)) / size)
        for _ in range(_TRIALS):
            exact = self.random.randint(first, max(first, last)) * size
            made = int(exact) if exact == exact.to_integral_value() else float(exact)
            if (isinstance(made, int) or (not whole and (made / step).is_integer())) and low <= made <= high:
                return made
        return int(first * size) if whole else float(first * size)


def _open(keywords: Keywords) -> tuple[Any, Any]:
    """The bounds that are themselves excluded. Draft 4 wrote a boolean beside `minimum`."""
    bounds = []
    for exclusive, inclusive in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        bound = keywords.get(exclusive)
        bounds.append(keywords.get(inclusive) if bound is True else None if isinstance(bound, bool) else bound)
    return bounds[0], bounds[1]


def _bounds(keywords: Keywords, usual: tuple[int, int] | None) -> tuple[float, float]:
    """The lowest and highest value to give: what is usual for the name, moved as little as the schema demands."""
    low_open, high_open = _open(keywords)
    lows = [bound for bound in (keywords.get("minimum"), low_open) if bound is not None]
    highs = [bound for bound in (keywords.get("maximum"), high_open) if bound is not None]
    low, high = usual or (0, 100)
    least, most = max(lows, default=None), min(highs, default=None)
    if least is not None and most is not None:
        return (max(low, least), min(high, most)) if usual and max(low, least) < min(high, most) else (least, most)
    if least is not None:
        return (least, least + 100) if least >= high or not usual else (max(low, least), high)
    if most is not None:
        return (most - 100, most) if most <= low else (low, min(high, most))
    return low, high


def _is(member: Any, kinds: tuple[str, ...]) -> bool:
    kind = {str: "string", bool: "boolean", type(None): "null", list: "array", dict: "object"}.get(type(member), "number")
    return kind in kinds or (kind == "number" and "integer" in kinds and member == int(member))


def _names(text: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) is not None
