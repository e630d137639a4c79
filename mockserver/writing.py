"""Files that were asked for. They are made ready before there is anything to write, and then one that cannot be written does not keep the
others from it. And output that takes nothing more: who catches an OSError for a reason of their own lets such a one through."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable
from pathlib import Path

Writer = Callable[[Path], object]


def ready(files: Iterable[Path], folders: Iterable[Path] = ()) -> None:
    """Make the folders of all that will be written. Raises LookupError for what cannot be."""
    files, folders = tuple(files), tuple(folders)
    for folder in (*(path.parent for path in files), *folders):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LookupError(f"cannot write into {folder}: {error.strerror}") from None
    for path in (*files, *folders):
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise LookupError(f"cannot write {path}: no permission")


def each(files: Iterable[tuple[Path, Writer]]) -> tuple[str, ...]:
    """Every file by its writer; a line for each that could not be written."""
    return tuple(line for path, write in files if (line := _tried(path, write)))


def _tried(path: Path, write: Writer) -> str:
    try:
        write(path)
    except OSError as error:
        return f"{path} could not be written: {error.strerror or error}"
    return ""


def is_full(error: OSError) -> bool:
    """There is no room for what is printed."""
    return error.errno == errno.ENOSPC


def is_lost(error: OSError) -> bool:
    """What is printed finds no room, or nobody who reads it."""
    return is_full(error) or error.errno == errno.EPIPE


def refusal(error: OSError) -> str:
    """What is said where output takes nothing more."""
    return f"the output cannot be written: {error.strerror}"
