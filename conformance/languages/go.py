"""Go: a module that requires the packages; an adapter is a package in it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from conformance.languages import Language, NotInstalled, digest, run, sources, whole
from conformance.pins import parted


def fetch(folder: Path, pins: Sequence[str]) -> None:
    run(["go", "mod", "init", "adapter"], folder)
    for package, _, version in map(parted, pins):
        run(["go", "get", f"{package}@v{version.removeprefix('v')}"], folder)


def command(adapter: Path, folder: Path | None) -> list[str]:
    if folder is None:
        raise NotInstalled(f"{adapter.name} names no package of its own")
    package = folder / f"built-{digest(adapter)}"
    if not package.exists():
        with whole(package) as new:
            for source in sources(adapter):  # Go leaves out files whose names begin with `_`
                shutil.copy(source, new / source.name.lstrip("_"))
            run(["go", "build", "-mod=mod", "-o", str(new / "adapter"), f"./{new.relative_to(folder)}"], folder)
    return [str(package / "adapter")]


LANGUAGE = Language("go", (), ("go",), "install Go", fetch, command)
