"""Strings that match a regular expression, made from its parse tree (ECMA 262's dialect as far as JSON Schema recommends it)."""

from __future__ import annotations

import re
import string
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

_REACHES = (4, 0, 16, 64, 256, 1024)
"""How far an open repeat may go beyond its minimum, one after the other until the length fits."""

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
    bounded trials. None where the pattern cannot be read or followed."""
    tree = _parsed(pattern)
    if tree is None:
        return None
    found: str | None = None
    for reach in _REACHES:
        for _ in range(8):
            try:
                text = _Writer(random, reach).write(tree)
            except (_TooLong, RecursionError):
                break
            if not _keeps(pattern, text):
                continue
            found = text if found is None else found
            if shortest <= len(text) and (longest is None or len(text) <= longest):
                return text
    return found


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


def _keeps(pattern: str, text: str) -> bool:
    r"""Assertions (`(?=…)`, `\b`) are not followed but checked, by an engine that cannot run away."""
    if not re.search(r"\(\?[=!<]|\\[bB]", pattern):
        return True
    import jsonschema_rs

    try:
        return jsonschema_rs.is_valid({"pattern": pattern}, text)
    except ValueError:
        return True


class _Writer:
    """One string, written while walking the tree."""

    def __init__(self, random: Random, reach: int) -> None:
        self.random = random
        self.reach = reach
        self.steps = 0
        self.groups: dict[int, str] = {}

    def write(self, tree: Any) -> str:
        return "".join(self.node(str(kind), argument) for kind, argument in tree)

    def node(self, kind: str, argument: Any) -> str:
        self.steps += 1
        if self.steps > _MAX_STEPS:
            raise _TooLong
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
                least, most, tree = argument
                times = self.random.randint(int(least), min(int(most), int(least) + self.reach))
                return "".join(self.write(tree) for _ in range(times))
            case "GROUPREF":
                return self.groups.get(argument, "")
            case "GROUPREF_EXISTS":
                number, yes, no = argument
                return self.write(yes if number in self.groups else no or ())
            case _:
                return ""

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
