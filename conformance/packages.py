"""What a client needs from a package registry: read in its adapter, installed once into the cache.

An adapter begins with a block of inline script metadata (https://packaging.python.org/en/latest/specifications/inline-script-metadata/),
in a `.mjs` file behind `//`. The first of its `dependencies` is the client itself, pinned to the version that is taken when
none is asked for:

    # /// script
    # dependencies = ["openai==3.54.0"]
    # [tool.streamproof]
    # transports = ["sse"]
    # ///

Each set of pinned packages has a folder of its own, so that two versions stand side by side: a virtual environment, or a
folder of npm packages.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from conformance import languages
from conformance.languages import NotInstalled as NotInstalled
from conformance.pins import exact, parted

BLOCK = re.compile(r"^(?P<mark>#|//) /// script\n(?P<lines>(?:(?P=mark)(?: .*)?\n)*?)(?P=mark) ///$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Needs:
    """What an adapter asks for. `packages` are pinned, the client first; without any it drives what its language brings along, or
    `commands`, which have to be there. `headers` are those of a gateway. `note` is what a reader of its verdicts has to know.
    `hello_seconds` is how long it may take to say hello, and `jobs` the most runs at once; None where the kit's own bounds will do."""

    packages: tuple[str, ...]
    transports: tuple[str, ...]
    commands: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    hello_seconds: float | None = None
    jobs: int | None = None

    @property
    def version(self) -> str:
        """The client's pinned version; empty where it is its language's."""
        return parted(self.packages[0])[2] if self.packages else ""

    def having(self, versions: Mapping[str, str]) -> Needs:
        """The same with these versions by package; one that was not asked for joins the others."""
        sign = parted(self.packages[0])[1] if self.packages else "=="
        pins = {parted(pin)[0]: pin for pin in self.packages}
        pins |= {package: f"{package}{sign}{version}" for package, version in versions.items()}
        return replace(self, packages=tuple(pins.values()))

    def at(self, version: str) -> Needs:
        """The same with another version of the client. Raises NotInstalled where it has none, and for what is not one version."""
        if not self.packages:
            raise NotInstalled("this client has the version of its language; it cannot be chosen")
        package, sign, own = parted(self.packages[0])
        if not exact(sign, version):
            raise NotInstalled(f"'{version}' is not one version: wanted a whole number, such as {own}")
        return replace(self, packages=(f"{package}{sign}{version}", *self.packages[1:]))


def needs(adapter: Path) -> Needs:
    """What an adapter's first lines ask for. Raises ValueError for an adapter that does not say it."""
    found = BLOCK.search(adapter.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{adapter} does not begin with '/// script' and its dependencies")
    mark = len(found["mark"])
    block = tomllib.loads("".join(line[mark:].removeprefix(" ") + "\n" for line in found["lines"].splitlines()))
    own = block["tool"]["streamproof"]
    return Needs(
        tuple(block["dependencies"]),
        tuple(own.get("transports", ())),
        tuple(own.get("commands", ())),
        own.get("headers", {}),
        " ".join(own.get("note", "").split()),
        own.get("hello_seconds"),
        own.get("jobs"),
    )


def cache() -> Path:
    """Where installed clients are kept: $XDG_CACHE_HOME/streamproof/clients. A relative path there is to be ignored
    (https://specifications.freedesktop.org/basedir-spec/latest/#basics)."""
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (named if named.is_absolute() else Path.home() / ".cache") / "streamproof" / "clients"


def folder(adapter: Path, wanted: Needs) -> Path:
    """The folder of these packages, whether or not it is there."""
    names = (re.sub(r"[^A-Za-z0-9.]+", "-", pin).strip("-") for pin in wanted.packages)
    return cache() / "+".join([languages.of(adapter).registry, *names])


def installed(adapter: Path, wanted: Needs) -> bool:
    """Is everything there that the adapter needs, its language included?"""
    there = not wanted.packages or folder(adapter, wanted).is_dir()
    return there and not languages.absent(languages.of(adapter).runs + wanted.commands)


def install(adapter: Path, wanted: Needs) -> None:
    """Install what is not there yet; all of it or nothing. Raises NotInstalled."""
    language = languages.of(adapter)
    if installed(adapter, wanted):
        return
    if absent := languages.absent(language.runs + wanted.commands + (language.installs if wanted.packages else ())):
        advice = f": {language.advice}" if language.advice else ""
        raise NotInstalled(f"{' and '.join(absent)} {'is' if len(absent) == 1 else 'are'} not on the PATH{advice}")
    try:
        with _new() as new:
            made = new / "made"
            made.mkdir()
            language.fetch(made, wanted.packages)
            languages.become(made, folder(adapter, wanted))
    except OSError as error:
        raise NotInstalled(f"cannot install into {cache()}: {error}") from None


@contextmanager
def _new() -> Iterator[Path]:
    """A folder in the cache that goes again. Those of installers that were killed go first: nobody holds them any more."""
    try:
        cache().mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotInstalled(f"cannot write into {cache()}: {error.strerror}; XDG_CACHE_HOME names another place") from None
    with ExitStack() as mine:
        with _held(cache()):
            for left in cache().glob(".new-*"):
                with suppress(OSError), _held(left, fcntl.LOCK_EX | fcntl.LOCK_NB):
                    shutil.rmtree(left, ignore_errors=True)
            new = Path(mine.enter_context(tempfile.TemporaryDirectory(dir=cache(), prefix=".new-", ignore_cleanup_errors=True)))
            mine.enter_context(_held(new))
        yield new


@contextmanager
def _held(place: Path, how: int = fcntl.LOCK_EX) -> Iterator[None]:
    """Keep a folder from others who ask for it so. Raises BlockingIOError where it is not to be waited for."""
    number = os.open(place, os.O_RDONLY)
    try:
        fcntl.flock(number, how)
        yield
    finally:
        os.close(number)


def started(adapter: Path, wanted: Needs) -> list[str]:
    """The command of an adapter whose packages are installed. Raises NotInstalled where it cannot be compiled with them."""
    return languages.of(adapter).command(adapter, folder(adapter, wanted) if wanted.packages else None)
