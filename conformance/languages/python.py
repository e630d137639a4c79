"""Python: a virtual environment for each set of packages, made by the Python that runs the kit."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from conformance.languages import Language, run


def fetch(folder: Path, pins: Sequence[str]) -> None:
    run([sys.executable, "-m", "venv", str(folder)], folder)
    run([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *pins], folder)


def command(adapter: Path, folder: Path | None) -> list[str]:
    return [str(folder / "bin" / "python") if folder else sys.executable, str(adapter)]


LANGUAGE = Language(f"python{sys.version_info.major}.{sys.version_info.minor}", (), (), "", fetch, command)
