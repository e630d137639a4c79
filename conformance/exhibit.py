"""An exhibit of the museum: a published bug of a real package, with a version that has it and one that has not.

An exhibit is a YAML file in `conformance/museum/ROOM/`, checked by `schemas/exhibit.schema.json`: the room is the package, as people call
it (registries of two languages may know one name). The museum is the folder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from conformance import case, clients, packages
from mockserver import yaml_marks
from mockserver.author_errors import AuthorError, Mistake, nearest
from mockserver.bundled import bundled

MUSEUM = Path(__file__).parent / "museum"


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One file. `name` is its path in the museum without the ending, `beside` pins other packages; `checks` are CASE/CHECK, or
    CASE[TRANSPORT]/CHECK and CASE[TRANSPORT,VARIANT]/CHECK for one framing of the case."""

    name: str
    title: str
    saw: str
    sources: tuple[str, ...]
    client: str
    package: str
    bad: str
    fixed: str
    checks: tuple[str, ...]
    beside: Mapping[str, str] = field(default_factory=dict)
    repeat: int = 1

    @property
    def room(self) -> str:
        """The folder that the file is in."""
        return self.name.rpartition("/")[0]

    def cases(self) -> tuple[case.Case, ...]:
        """The cases its checks belong to, in the corpus's order."""
        wanted = {unframed(check).partition("/")[0] for check in self.checks}
        return tuple(each for each in case.corpus() if each.id in wanted)

    def needs(self, version: str) -> tuple[Path, packages.Needs]:
        """The adapter, and what it needs with this version of the package. Raises LookupError for a client that is not there."""
        adapter, wanted = clients.pinned(self.client)
        return adapter, wanted.having({**self.beside, self.package: version})


@cache
def museum(folder: Path = MUSEUM) -> tuple[Exhibit, ...]:
    """Every exhibit, in order of name. Raises AuthorError with the mistakes of all files."""
    loaded: list[Exhibit] = []
    mistakes: list[Mistake] = []
    for path in sorted(folder.rglob("*.yaml")):
        try:
            loaded.append(load_file(path, folder))
        except AuthorError as error:
            mistakes += error.mistakes
    if mistakes:
        raise AuthorError(mistakes)
    return tuple(loaded)


def select(exhibits: Iterable[Exhibit], globs: Iterable[str] = ()) -> tuple[Exhibit, ...]:
    """The exhibits of some names; a room's name stands for all of its own. Raises LookupError for what selects nothing."""
    exhibits, globs = tuple(exhibits), tuple(globs)

    def named(exhibit: Exhibit, glob: str) -> bool:
        return fnmatchcase(exhibit.name, glob) or fnmatchcase(exhibit.room, glob)

    for glob in globs:
        if not any(named(exhibit, glob) for exhibit in exhibits):
            raise LookupError(f"no exhibit matches '{glob}'{nearest(glob, _names(exhibits))}; `streamproof museum --list` lists them")
    return tuple(exhibit for exhibit in exhibits if not globs or any(named(exhibit, glob) for glob in globs))


def _names(exhibits: Iterable[Exhibit]) -> list[str]:
    """Of rooms, then of what is in them."""
    exhibits = tuple(exhibits)
    return [*dict.fromkeys(exhibit.room for exhibit in exhibits), *(exhibit.name for exhibit in exhibits)]


def load_file(path: Path, folder: Path = MUSEUM) -> Exhibit:
    """Read one exhibit. Raises AuthorError."""
    value, line = yaml_marks.parse(path.read_text(encoding="utf-8"), str(path))
    mistakes = [
        Mistake(str(path), line(tuple(error.absolute_path)), f"{'.'.join(map(str, error.absolute_path)) or 'exhibit'}: {error.message}")
        for error in _validator().iter_errors(value)
    ]
    if not mistakes:
        name = path.relative_to(folder).with_suffix("").as_posix()
        mistakes = [Mistake(str(path), line(where), problem) for where, problem in _problems(value, name)]
    if mistakes:
        raise AuthorError(mistakes)
    return Exhibit(
        name,
        value["title"],
        value["saw"].strip(),
        tuple(value["sources"]),
        value["client"],
        value["package"],
        value["bad"],
        value["fixed"],
        tuple(value["checks"]),
        value.get("beside", {}),
        value.get("repeat", 1),
    )


def _problems(value: Mapping[str, Any], name: str) -> Iterator[tuple[yaml_marks.Path, str]]:
    """What a schema cannot say."""
    wanted, stem = f"{value['bad']}-{value['fixed']}", name.rpartition("/")[2]
    if stem != wanted and not stem.startswith(f"{wanted}-"):
        yield (), f"the file is {stem}.yaml; wanted {wanted}.yaml, by its versions"
    if value["bad"] == value["fixed"]:
        yield ("fixed",), "the bad version and the fixed one are the same"
    if value["client"] not in clients.adapters():
        yield ("client",), f"no client '{value['client']}'{nearest(value['client'], clients.adapters())}"
    known = [f"{each.id}/{check.id}" for each in case.corpus() for check in each.checks]
    for number, check in enumerate(value["checks"]):
        if unframed(check) not in known:
            yield ("checks", number), f"no check '{check}'{nearest(check, known)}"


def unframed(check: str) -> str:
    """A check without its framing: `L1.text.exact[sse]/text` is `L1.text.exact/text` where nothing is done to the bytes."""
    return re.sub(r"\[[^]]*\]", "", check)


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads((bundled("schemas") / "exhibit.schema.json").read_text(encoding="utf-8")))
