"""The languages that adapters are written in: a module each, found by the ending of an adapter's file.

A language says how pinned packages get into a folder of their own, and how an adapter is started with them. What has to be
compiled is compiled then, into that folder, once for each text of its sources.
"""

from __future__ import annotations

import hashlib
import importlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

OFFLINE = re.compile(
    r"from versions: none|ConnectionError|ConnectTimeout|ProxyError|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT"
    r"|dial tcp|no such host|UnknownHost|Could not resolve host"
)
MOST = 400
"""Characters of an installer's errors that are handed on."""

SHARED = {".html": ".mjs"}
"""The ending of the files that adapters share, where it is not their own."""

MODULES: Mapping[str, str] = {".py": "python", ".mjs": "node", ".html": "page", ".go": "go", ".java": "java", ".rs": "rust"}


class NotInstalled(LookupError):
    """A client cannot be had: its toolchain is absent, the registry out of reach, or there is no such version."""


@dataclass(frozen=True, slots=True)
class Language:
    """`registry` begins the names of its folders in the cache.

    `runs` and `installs` are commands that must be on the PATH, for starting an adapter and for installing packages; of a name with
    bars between, any. `advice` follows when one is not. `fetch(folder, pins)` installs into an empty folder, `command(adapter,
    folder)` is what starts an adapter; its folder is None where it needs no packages. Both raise NotInstalled.
    """

    registry: str
    runs: tuple[str, ...]
    installs: tuple[str, ...]
    advice: str
    fetch: Callable[[Path, Sequence[str]], None]
    command: Callable[[Path, Path | None], list[str]]


@cache
def of(adapter: Path) -> Language:
    """The language of an adapter. Raises KeyError."""
    language: Language = importlib.import_module(f"conformance.languages.{MODULES[adapter.suffix]}").LANGUAGE
    return language


def found(names: str) -> str | None:
    """The path of the first of some commands, with bars between, that is there."""
    return next((path for name in names.split("|") if (path := shutil.which(name)) is not None), None)


def absent(commands: Sequence[str]) -> list[str]:
    """Those of some commands that are not there, each by its first name."""
    return [names.split("|")[0] for names in dict.fromkeys(commands) if found(names) is None]


def sources(adapter: Path) -> tuple[Path, ...]:
    """An adapter and the files of its language that all share, whose names begin with `_`."""
    return (adapter, *sorted(adapter.parent.glob(f"_*{SHARED.get(adapter.suffix, adapter.suffix)}")))


def digest(adapter: Path) -> str:
    """A name for the text of an adapter and of what it shares."""
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sources(adapter))).hexdigest()[:16]


@contextmanager
def whole(folder: Path) -> Iterator[Path]:
    """A new folder to make something in, which then becomes `folder`: nobody sees it half made, and of two who make it at once one is
    enough."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="new-", ignore_cleanup_errors=True) as new:
        made = Path(new) / "made"
        made.mkdir()
        yield made
        become(made, folder)


def become(made: Path, folder: Path) -> None:
    """Give what was made its place. Where somebody else was quicker, that is as good."""
    try:
        made.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def run(command: Sequence[str], folder: Path) -> None:
    """Run an installer or a compiler. Raises NotInstalled with what it said went wrong."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        said = [line for line in lines if "error" in line.lower() and "complete log" not in line] or lines[-3:]
        why = "the package registry is out of reach: " if OFFLINE.search("".join(lines)) else ""
        raise NotInstalled(f"{why}`{Path(command[0]).name} {' '.join(command[1:])}` ended with {done.returncode}: {'; '.join(said)[:MOST]}")
