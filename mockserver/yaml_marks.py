"""YAML with JSON's core types only, and the line of every part of it.

`null` (or nothing), `true`, `false` and JSON's numbers are what they are in JSON; every other plain scalar is a string, so
`[no, on, 12:30, 0x1f, ~]` are five strings. Keys are always strings and never given twice; JSON files are read the same way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from mockserver.author_errors import AuthorError, Mistake

if TYPE_CHECKING:
    import pathlib

    import yaml

Path = tuple[str | int, ...]
"""From the top to a part: mapping keys and places in lists, counted from 0."""

MAX_NODES = 100_000
"""How many values a document may have once its aliases are written out: a few lines of aliases can stand for billions."""

MAX_DEPTH = 100
"""How deep mappings and lists may be nested."""

_TAG = "tag:yaml.org,2002:"
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?", re.ASCII)
_SURROGATES = re.compile(r"(?<!\\)((?:\\\\)*)\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)
_CONSTANTS = {"": None, "null": None, "true": True, "false": False}


def text_of(file: pathlib.Path) -> str:
    """What a file holds that somebody has written. Raises AuthorError for what is no text, and OSError."""
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise AuthorError([Mistake(str(file), 1, f"wanted UTF-8: {error}")]) from None


def parse(text: str, source: str) -> tuple[Any, Callable[[Path], int]]:
    """The document's value, and a function that gives the line, counted from 1, of any path in it (of a key, where there is
    one; of the nearest part above it, where there is no such path). An empty document is None.

    `source` names the file in messages. Raises AuthorError.
    """
    reading = _Reading(source)
    root = _compose(text, source)
    value = reading.value(root, ()) if root is not None else None
    if reading.mistakes:
        raise AuthorError(reading.mistakes)
    return value, reading.line


def _compose(text: str, source: str) -> yaml.Node | None:
    import yaml

    if source.endswith(".json"):
        text = _yaml_escapes(text)
    try:
        if len(text) > 10_000 and _is_deep(text):
            raise AuthorError([Mistake(source, 1, f"nested more than {MAX_DEPTH} deep")])
        return yaml.compose(text, Loader=_loader())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = ", ".join(part for part in (error.context, error.problem) if part)
        raise AuthorError([Mistake(source, mark.line + 1 if mark else 1, f"not YAML: {what}")]) from None
    except yaml.reader.ReaderError as error:
        raise AuthorError([Mistake(source, text.count("\n", 0, error.position) + 1, f"not YAML: {error.reason}")]) from None


def _is_deep(text: str) -> bool:
    """libyaml's composer recurses on the C stack and dies of a document nested 100,000 deep; its parser only counts."""
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=_loader()):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            return True
    return False


def _yaml_escapes(text: str) -> str:
    r"""JSON writes characters beyond U+FFFF as two escapes, `\ud83d\ude00`; YAML as one, `\U0001f600`."""

    def whole(match: re.Match[str]) -> str:
        high, low = int(match[2], 16), int(match[3], 16)
        return f"{match[1]}\\U{0x10000 + (high - 0xD800) * 0x400 + (low - 0xDC00):08x}"

    return _SURROGATES.sub(whole, text)


@cache
def _loader() -> Any:
    """PyYAML's base loader (libyaml's where it is compiled in), taught JSON's types for plain scalars and no others."""
    import yaml

    base: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    kind: Any = type("JsonTypes", (base,), {})
    kind.add_implicit_resolver(f"{_TAG}json", re.compile(f"^(?:|null|true|false|{_NUMBER.pattern})$", re.ASCII), [*"ntf-0123456789", ""])
    return kind


class _Reading:
    """One walk over the composed nodes: builds values, notes lines and mistakes."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.mistakes: list[Mistake] = []
        self.lines: dict[Path, int] = {(): 1}
        self.open: set[int] = set()

    def line(self, path: Path) -> int:
        while path not in self.lines:
            path = path[:-1]
        return self.lines[path]

    def value(self, node: yaml.Node, path: Path) -> Any:
        import yaml

        self.lines.setdefault(path, node.start_mark.line + 1)
        if len(self.lines) > MAX_NODES:
            raise AuthorError(
                [Mistake(self.source, node.start_mark.line + 1, f"more than {MAX_NODES:,} values once aliases are written out")]
            )
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node)
        if id(node) in self.open:
            return self.wrong(node, "this alias stands for a value that holds it")
        if len(self.open) >= MAX_DEPTH:
            return self.wrong(node, f"nested more than {MAX_DEPTH} deep")
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.value(item, (*path, place)) for place, item in enumerate(node.value)]
            return dict(self.items(node, path))
        finally:
            self.open.discard(id(node))

    def items(self, node: yaml.Node, path: Path) -> Iterator[tuple[str, Any]]:
        import yaml

        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self.wrong(key, "a key must be a string, not a list or a mapping")
            elif key.value in seen:
                self.wrong(key, f"the key '{key.value}' is given twice, first on line {seen[key.value]}")
            else:
                seen[key.value] = self.lines[(*path, key.value)] = line
                yield key.value, self.value(value, (*path, key.value))

    def scalar(self, node: yaml.ScalarNode) -> Any:
        text: str = node.value
        if node.tag == f"{_TAG}str":
            return text
        if node.tag != f"{_TAG}json":
            return self.wrong(node, f"the tag {node.tag.replace(_TAG, '!!')} is not known here: values are JSON's")
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        match = _NUMBER.fullmatch(text)
        if match is None or len(text) > 400:
            return self.wrong(node, f"the number {text[:40]}… is too long")
        number = float(text) if match[1] or match[2] else int(text)
        return self.wrong(node, f"the number {text} is too large") if number in (float("inf"), float("-inf")) else number

    def wrong(self, node: yaml.Node, message: str) -> None:
        self.mistakes.append(Mistake(self.source, node.start_mark.line + 1, message))
