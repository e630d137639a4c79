"""Files that a tool writes; with `--check` the tool tells whether the committed ones are what it would write."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import unified_diff
from pathlib import Path

Texts = Mapping[Path, str]
"""What each file is to say."""


def main(texts: Callable[[], Texts], description: str) -> int:
    """Write the files, or with --check print what differs; the exit status, 1 where anything does."""
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("--check", action="store_true", help="write nothing; exit 1 if a committed file differs")
    if not arguments.parse_args().check:
        write(texts())
        return 0
    differences = list(changes(texts()))
    sys.stdout.writelines(differences)
    return 1 if differences else 0


def with_block(page: Path, mark: str, lines: Iterable[str]) -> str:
    """A page's text with these lines where `<!-- mark -->` says, up to `<!-- until here -->`."""
    block = re.compile(rf"(?<=<!-- {re.escape(mark)} -->\n).*?(?=<!-- until here -->)", re.DOTALL)
    text, count = block.subn(lambda _: "".join(f"{line}\n" for line in lines), page.read_text(encoding="utf-8"))
    assert count == 1, f"{page.name} has {count} places for {mark}; wanted one"
    return text


def write(texts: Texts) -> None:
    for file, text in texts.items():
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")


def changes(texts: Texts) -> Iterator[str]:
    """What `write` would change, as the lines of a diff."""
    for file, text in texts.items():
        present = file.read_text(encoding="utf-8") if file.exists() else ""
        yield from unified_diff(present.splitlines(True), text.splitlines(True), file.name, f"{file.name} (derived)")
