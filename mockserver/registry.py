"""The folder is the list: one public class a file, named by its file (`http_error.py` holds `HttpError`, named `http-error`).

Nothing is imported before it is asked for.
"""

from __future__ import annotations

import importlib
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any


class UnknownName(LookupError):
    """No such flavour, dialect or fault; the message gives the nearest names."""

    def __init__(self, kind: str, name: str, known: tuple[str, ...]) -> None:
        near = get_close_matches(name, known, 3)
        super().__init__(f"no {kind} named '{name}'" + (f"; did you mean {' or '.join(near)}?" if near else f"; known: {', '.join(known)}"))
        self.near = near


@cache
def names(package: str) -> tuple[str, ...]:
    """The names a package's files give, sorted; files that begin with `_` are not among them."""
    folder = Path(str(importlib.import_module(package).__file__)).parent
    stems = sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))
    return tuple(stem.replace("_", "-") for stem in stems)


@cache
def find(package: str, name: str) -> type[Any]:
    """The class a name stands for. Raises UnknownName."""
    if name not in names(package):
        raise UnknownName(package.rsplit(".", 1)[-1].removesuffix("s"), name, names(package))
    module = importlib.import_module(f"{package}.{name.replace('-', '_')}")
    wanted = name.replace("-", "").casefold()
    found = [value for key, value in vars(module).items() if key.casefold() == wanted and isinstance(value, type)]
    if len(found) != 1:
        raise TypeError(f"{module.__file__} must hold exactly one class named like the file, not {len(found)}")
    kind: type[Any] = found[0]
    return kind
