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

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

BLOCK = re.compile(r"^(?P<mark>#|//) /// script\n(?P<lines>(?:(?P=mark)(?: .*)?\n)*?)(?P=mark) ///$", re.MULTILINE)
PIN = re.compile(r"(?P<package>.+?)(?P<sign>==|@(?!.*/))(?P<version>.+)")
OFFLINE = re.compile(r"from versions: none|ConnectionError|ConnectTimeout|ProxyError|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT")
MOST = 400
"""Characters of an installer's errors that are handed on."""


class NotInstalled(LookupError):
    """A client cannot be had: its toolchain is absent, the registry out of reach, or there is no such version."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What an adapter asks for. `packages` are pinned, the client first; without any it drives what its language brings along."""

    packages: tuple[str, ...]
    transports: tuple[str, ...]

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
        """The same with another version of the client. Raises NotInstalled where it has none of its own."""
        if not self.packages:
            raise NotInstalled("this client has the version of its language; it cannot be chosen")
        package, sign, _ = parted(self.packages[0])
        return replace(self, packages=(f"{package}{sign}{version}", *self.packages[1:]))


def parted(pin: str) -> tuple[str, str, str]:
    """A pinned package as its name, the sign between, and its version. Raises ValueError."""
    found = PIN.fullmatch(pin)
    if found is None:
        raise ValueError(f"'{pin}' is not pinned: wanted a name and a version, such as openai==3.54.0 or openai@6.49.0")
    return found["package"], found["sign"], found["version"]


def needs(adapter: Path) -> Needs:
    """What an adapter's first lines ask for. Raises ValueError for an adapter that does not say it."""
    found = BLOCK.search(adapter.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{adapter} does not begin with '/// script' and its dependencies")
    mark = len(found["mark"])
    block = tomllib.loads("".join(line[mark:].removeprefix(" ") + "\n" for line in found["lines"].splitlines()))
    return Needs(tuple(block["dependencies"]), tuple(block["tool"]["streamproof"]["transports"]))


def cache() -> Path:
    """Where installed clients are kept: $XDG_CACHE_HOME/streamproof/clients."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "streamproof" / "clients"


def folder(adapter: Path, wanted: Needs) -> Path:
    """The folder of these packages, whether or not it is there."""
    kind = "npm" if adapter.suffix == ".mjs" else f"python{sys.version_info.major}.{sys.version_info.minor}"
    return cache() / "+".join([kind, *(re.sub(r"[^A-Za-z0-9.]+", "-", pin).strip("-") for pin in wanted.packages)])


def installed(adapter: Path, wanted: Needs) -> bool:
    """Is everything there that the adapter needs, its language included?"""
    runs = adapter.suffix == ".py" or shutil.which("node") is not None
    return runs and (not wanted.packages or folder(adapter, wanted).is_dir())


def install(adapter: Path, wanted: Needs) -> None:
    """Install what is not there yet; all of it or nothing. Raises NotInstalled."""
    if installed(adapter, wanted):
        return
    npm = adapter.suffix == ".mjs"
    if npm:
        _toolchain("node", *(("npm",) if wanted.packages else ()))
    cache().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache(), prefix=".new-", ignore_cleanup_errors=True) as new:
        made = Path(new) / "made"
        made.mkdir()
        (_npm if npm else _pip)(made, wanted.packages)
        try:
            made.rename(folder(adapter, wanted))
        except OSError:
            if not installed(adapter, wanted):  # somebody else was quicker, which is as good
                raise


def _toolchain(*commands: str) -> None:
    absent = [command for command in commands if shutil.which(command) is None]
    if absent:
        raise NotInstalled(f"{' and '.join(absent)} {'is' if len(absent) == 1 else 'are'} not on the PATH: install Node.js 20 or later")


def _pip(made: Path, packages: Sequence[str]) -> None:
    _run([sys.executable, "-m", "venv", str(made)], made)
    _run([str(made / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages], made)


def _npm(made: Path, packages: Sequence[str]) -> None:
    (made / "package.json").write_text('{"private": true}\n', encoding="utf-8")
    _run(["npm", "install", "--loglevel=error", "--no-audit", "--no-fund", "--no-update-notifier", *packages], made)


def _run(command: Sequence[str], made: Path) -> None:
    """Run an installer. Raises NotInstalled with what it said went wrong."""
    done = subprocess.run(command, cwd=made, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in (done.stderr + done.stdout).splitlines() if "error" in line.lower() and "complete log" not in line]
        why = "the package registry is out of reach: " if OFFLINE.search("".join(said)) else ""
        raise NotInstalled(f"{why}`{Path(command[0]).name} {' '.join(command[1:])}` ended with {done.returncode}: {'; '.join(said)[:MOST]}")


def started(adapter: Path, wanted: Needs) -> list[str]:
    """The command of an adapter whose packages are installed.

    A Node module finds its packages from where it lies, so adapters for Node are put beside theirs.
    """
    if not wanted.packages:
        return ["node" if adapter.suffix == ".mjs" else sys.executable, str(adapter)]
    place = folder(adapter, wanted)
    if adapter.suffix == ".py":
        return [str(place / "bin" / "python"), str(adapter)]
    return ["node", str(beside(adapter, place))]


def beside(adapter: Path, packages: Path) -> Path:
    """A copy of an adapter for Node, and of the modules it shares, in the folder that holds its `node_modules`."""
    for module in (adapter, *adapter.parent.glob("_*.mjs")):
        shutil.copy(module, packages)
    return packages / adapter.name
