"""A page of the documents that a tool writes; with `--check` the tool tells whether the committed one is what it would write."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from difflib import unified_diff
from pathlib import Path


def main(page: Path, text: Callable[[], str], description: str) -> int:
    """Write the page, or with --check print what differs; the exit status, 1 where anything does."""
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("--check", action="store_true", help="write nothing; exit 1 if the committed page differs")
    check, derived = arguments.parse_args().check, text()
    if not check:
        page.parent.mkdir(exist_ok=True)
        page.write_text(derived, encoding="utf-8")
        return 0
    present = page.read_text(encoding="utf-8") if page.exists() else ""
    differences = list(unified_diff(present.splitlines(True), derived.splitlines(True), page.name, f"{page.name} (derived)"))
    sys.stdout.writelines(differences)
    return 1 if differences else 0
