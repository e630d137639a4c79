"""Files that one live process writes at a time.

The lock is the operating system's and lies on the file itself (flock(2)): it ends with the last process that has it, however that ends,
so what a dead one has left refuses nobody.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MODE = 0o666
"""What the umask leaves of it is what any new file has."""


@contextmanager
def sole_writer(path: Path, *, unlink: bool = False) -> Iterator[None]:
    """Hold a file, which is made if it is not there; processes that are forked meanwhile hold it too. `unlink` takes it away at the end,
    if it is still there. Raises BlockingIOError where another process holds it, and OSError."""
    held = _held(path)
    try:
        yield
    finally:
        if held is not None:
            if unlink and _is(path, held):
                path.unlink()
            os.close(held)


def _held(path: Path) -> int | None:
    """None for pipes and devices, which take any number of writers, and where a file system has no locks."""
    while path.is_file() or not path.exists():
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, MODE)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            raise
        except OSError:
            os.close(file)
            return None
        if _is(path, file):
            return file
        # Who held it has put it elsewhere meanwhile.
        os.close(file)
    return None


def _is(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file))
    except FileNotFoundError:
        return False
