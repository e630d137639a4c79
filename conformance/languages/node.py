"""Node: a folder of npm packages. The npm package `node`, where it is asked for, brings the Node that runs the adapter."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from conformance.languages import Language, digest, run, sources, whole

OWN_NODE = Path("node_modules") / "node" / "bin" / "node"


def fetch(folder: Path, pins: Sequence[str]) -> None:
    (folder / "package.json").write_text('{"private": true}\n', encoding="utf-8")
    run(["npm", "install", "--loglevel=error", "--no-audit", "--no-fund", "--no-update-notifier", *pins], folder)


def command(adapter: Path, folder: Path | None) -> list[str]:
    if folder is None:
        return ["node", str(adapter)]
    own = folder / OWN_NODE
    return [str(own) if own.exists() else "node", str(beside(adapter, folder))]


def beside(adapter: Path, packages: Path) -> Path:
    """A copy of an adapter, and of the modules it shares, below the folder that holds its `node_modules`: a module finds its packages
    from where it lies."""
    place = packages / f"built-{digest(adapter)}"
    if not place.exists():
        with whole(place) as new:
            for module in sources(adapter):
                shutil.copy(module, new)
    return place / adapter.name


LANGUAGE = Language("npm", ("node",), ("npm",), "install Node.js 20 or later", fetch, command)
