"""Rust: a Cargo package with the dependencies; an adapter is one of its programs."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from conformance.languages import Language, NotInstalled, digest, run, sources
from conformance.pins import parted


def fetch(folder: Path, pins: Sequence[str]) -> None:
    run(["cargo", "init", "--quiet", "--vcs", "none", "--lib", "--name", "adapters"], folder)
    settings = folder / ".cargo" / "config.toml"
    settings.parent.mkdir()
    settings.write_text(f'[env]\nCLIENT_VERSION = "{parted(pins[0])[2]}"\n', encoding="utf-8")  # a program cannot ask for it
    for pin in pins:
        package, sign, version = parted(pin)
        name, _, features = package.rstrip("]").partition("[")
        run(["cargo", "add", "--quiet", f"{name}{sign}={version}", "--features", features], folder)
    run(["cargo", "fetch", "--quiet"], folder)


def command(adapter: Path, folder: Path | None) -> list[str]:
    if folder is None:
        raise NotInstalled(f"{adapter.name} names no package of its own")
    name = f"adapter-{digest(adapter)}"
    program = folder / "target" / "release" / name
    if not program.exists():
        package = folder / "src" / "bin" / name
        package.mkdir(parents=True, exist_ok=True)
        for source in sources(adapter):
            shutil.copy(source, package / ("main.rs" if source == adapter else source.name.lstrip("_")))
        run(["cargo", "build", "--quiet", "--release", "--bin", name], folder)
    return [str(program)]


LANGUAGE = Language("rust", (), ("cargo",), "install Rust", fetch, command)
