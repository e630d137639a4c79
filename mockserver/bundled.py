"""The one place that knows where `schemas/` and `fault_profiles/` are: in the wheel inside the package, in a checkout at
the root of the repository."""

from __future__ import annotations

from pathlib import Path


def bundled(folder: str) -> Path:
    """The path of a data folder: `schemas`, `fault_profiles`."""
    package = Path(__file__).parent
    packaged = package / folder
    return packaged if packaged.is_dir() else package.parent / folder
