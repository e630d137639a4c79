"""Strings that match a regular expression, made from its parse tree (ECMA 262's dialect as far as JSON Schema recommends it)."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from random import Random
from typing import Any

_LETTERS = string.ascii_letters + string.digits
_PRINTABLE = _LETTERS + " " + string.punctuation
_CLASSES = {
    "CATEGORY_DIGIT": string.digits,
    "CATEGORY_NOT_DIGIT": string.ascii_letters,
    "CATEGORY_WORD": _LETTERS + "_",
    "CATEGORY_NOT_WORD": " " + string.punctuation.replace("_", ""),
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_SPACE": _LETTERS,
}

_MAX_STEPS = 20_000
"""Steps of one generation: `(a{999}){999}` from a client must not fill the memory."""

_ECMA = (
    (re.compile(r"\\p\{(?:Lu|Uppercase_Letter)\}"), "A-Z"),
    (re.compile(r"\\p\{(?:Ll|Lowercase_Letter)\}"), "a-z"),
    (re.compile(r"\\p\{(?:L|Letter|Alphabetic|L[a-z]|Script=\w+)\}"), "A-Za-z"),
    (re.compile(r"\\p\{(?:N|Nd|Number)\}"), "0-9"),
)


class _TooLong(Exception):
    """The generation took more steps than are allowed."""


def matching(pattern: str, random: Random, shortest: int = 0, longest: int | None = None) -> str | None:
    """A string in which the pattern is found, with a length from `shortest` to `longest` characters if one is met within
    bounded trials. Assertions (`(?=…)`, `\\b`) are not followed but checked. None where the pattern cannot be read or followed."""
    tree = _parsed(pattern)
    if tree is None:
        return None
    asserts = re.search(r"\(\?[=!<]|\\[bB]", pattern) is not None
    first: str | None = None
    failures = 0
    for least, reach in _repeats(shortest):
        try:
            text = _Writer(random, least, reach).write(tree)
        except (_TooLong, RecursionError):
            failures += 1
            if failures > 2:
                break
            continue
        if asserts and not found(pattern, text):
            continue
        first = text if first is None else first
        if shortest <= len(text) and (longest is None or len(text) <= longest):
            return text
    if first is not None and len(first) < shortest:
        padded = first + "".join(random.choices(string.ascii_lowercase, k=shortest - len(first)))
        return padded if found(pattern, padded) else first
    return first


def _repeats(shortest: int) -> Iterator[tuple[int, int]]:
    """How often beyond its minimum a repeat is written, from the first to the second number: a few times; then never; then what
    a single repeat needs for the wanted length, as the rest of the pattern has from 0 to 40 characters."""
    yield from [(0, 4)] * 16
    yield from [(0, 0)] * 4
    yield from [(rest, rest) for rest in range(shortest, max(-1, shortest - 40), -1)]
    yield from [(0, shortest)] * 16


@cache
def _parser() -> Any:
    return import_module("re._parser")


def _parsed(pattern: str) -> Any:
    for escape, members in _ECMA:
        pattern = re.sub(rf"\[([^\]]*){escape.pattern}", rf"[\g<1>{members}", pattern)
        pattern = escape.sub(f"[{members}]", pattern)
    pattern = re.sub(r"\(\?<(?=[A-Za-z_])", "(?P<", pattern).replace("[^]", r"[\s\S]")
    pattern = re.sub(r"\\k<(\w+)>", r"(?P=\1)", pattern)
    try:
        return _parser().parse(pattern)
    except (re.error, RecursionError, OverflowError):
        return None


def found(pattern: str, text: str) -> bool:
    """Whether the pattern is found in the text, by an engine that cannot run away; no where it cannot read the pattern."""
    import jsonschema_rs

    try:
        return bool(jsonschema_rs.is_valid({"pattern": pattern}, text))
    except ValueError:
        return False


class _Writer:
    """One string, written while walking the tree."""

    def __init__(self, random: Random, least: int, reach: int) -> None:
        self.random = random
        self.least = least
        self.reach = reach
        self.steps = 0
        self.groups: dict[int, str] = {}

    def write(self, tree: Any) -> str:
        return "".join(self.node(str(kind), argument) for kind, argument in tree)

    def node(self, kind: str, argument: Any) -> str:
        self.step()
        match kind:
            case "LITERAL":
                return chr(argument)
            case "NOT_LITERAL":
                return self.one(_PRINTABLE.replace(chr(argument), ""))
            case "ANY":
                return self.random.choice(_LETTERS)
            case "IN":
                return self.one(_members(argument))
            case "BRANCH":
                return self.write(self.random.choice(argument[1]))
            case "SUBPATTERN":
                number, _, _, tree = argument
                text = self.write(tree)
                self.groups[number] = text
                return text
            case "ATOMIC_GROUP":
                return self.write(argument)
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                least, most, tree = int(argument[0]), int(argument[1]), argument[2]
                times = self.random.randint(min(most, least + self.least), min(most, least + self.reach))
                return "".join(self.repeated(tree) for _ in range(times))
            case "GROUPREF":
                return self.groups.get(argument, "")
            case "GROUPREF_EXISTS":
                number, yes, no = argument
                return self.write(yes if number in self.groups else no or ())
            case _:
                return ""

    def repeated(self, tree: Any) -> str:
        self.step()
        return self.write(tree)

    def step(self) -> None:
        self.steps += 1
        if self.steps > _MAX_STEPS:
            raise _TooLong

    def one(self, members: str) -> str:
        plain = "".join(character for character in members if character in _LETTERS) if len(members) > len(_LETTERS) else ""
        return self.random.choice(plain or members or "?")


def _members(parts: Any) -> str:
    """The characters of a class; of a negated one, the printable ones it leaves."""
    negated = str(parts[0][0]) == "NEGATE"
    members = "".join(_some(str(kind), argument) for kind, argument in parts[negated:])
    if not negated:
        return members
    return "".join(character for character in _PRINTABLE if character not in members) or "é"


def _some(kind: str, argument: Any) -> str:
    if kind == "LITERAL":
        return chr(argument)
    if kind == "RANGE":
        first, last = argument
        return "".join(map(chr, range(first, min(last, first + 255) + 1)))
    return _CLASSES.get(str(argument), "")
