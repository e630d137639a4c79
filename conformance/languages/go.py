"""Go: a module that requires the packages; an adapter is a package in it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from conformance.languages import Language, NotInstalled, digest, run, sources
from conformance.pins import parted


def fetch(folder: Path, pins: Sequence[str]) -> None:
    run(["go", "mod", "init", "adapter"], folder)
    for package, _, version in map(parted, pins):
        run(["go", "get", f"{package}@v{version.removeprefix('v')}"], folder)


def command(adapter: Path, folder: Path | None) -> list[str]:
    if folder is None:
        raise NotInstalled(f"{adapter.name} names no package of its own")
    package = folder / digest(adapter)
    program = package / "adapter"
    if not program.exists():
        package.mkdir(exist_ok=True)
        for source in sources(adapter):  # Go leaves out files whose names begin with `_`
            shutil.copy(source, package / source.name.lstrip("_"))
        run(["go", "build", "-mod=mod", "-o", str(program), f"./{package.name}"], folder)
    return [str(program)]


LANGUAGE = Language("go", (), ("go",), "install Go", fetch, command)
