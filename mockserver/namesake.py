"""Another distribution that installs a package named `mockserver` as well: pip lets the later one overwrite the earlier one's files."""

from __future__ import annotations

import sys
from pathlib import Path

PACKAGE = "mockserver"
OURS = "streamproof"


class NamesakeError(ImportError):
    """Two distributions of this environment install a package of one name."""


def check() -> None:
    """Raises NamesakeError. Which distribution installs what takes long to find out, so it is asked only where one sounds like it."""
    if not any(any(Path(folder).glob(f"{PACKAGE}*-info")) for folder in sys.path):
        return
    from importlib.metadata import packages_distributions

    others = sorted({name for name in packages_distributions().get(PACKAGE, ()) if name != OURS})
    if others:
        raise NamesakeError(
            f"{' and '.join((OURS, *others))} both install the package '{PACKAGE}', and whichever came last has overwritten the other's "
            f"files: keep one of them (pip uninstall {' '.join(others)}, then pip install --force-reinstall {OURS})"
        )
