"""Several files one after the other: one that cannot be written does not keep the others from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

Writer = Callable[[Path], object]


def each(files: Iterable[tuple[Path, Writer]]) -> tuple[str, ...]:
    """Every file by its writer; a line for each that could not be written."""
    return tuple(line for path, write in files if (line := _tried(path, write)))


def _tried(path: Path, write: Writer) -> str:
    try:
        write(path)
    except OSError as error:
        return f"{path} could not be written: {error.strerror or error}"
    return ""
