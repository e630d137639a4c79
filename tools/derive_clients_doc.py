"""Derive the table of `docs/clients.md` from the adapters: which clients have a name, by the language of their adapter.

python tools/derive_clients_doc.py            write it
python tools/derive_clients_doc.py --check    exit 1 if the committed table differs from what would be written
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from conformance import clients, languages, packages
from tools import derived_files

PAGE = Path(__file__).parent.parent / "docs/clients.md"


def page() -> str:
    """The page with the table of the adapters as they are."""
    return derived_files.with_block(PAGE, "the clients", table(clients.adapters()))


def table(adapters: Mapping[str, Path]) -> Iterator[str]:
    """A row a language and transport."""
    yield from ("| adapter in | over | clients | needs |", "|---|---|---|---|")
    for ending, language in clients.LANGUAGES.items():
        for transport in ("sse", "ws"):
            own = {name: path for name, path in adapters.items() if path.suffix == ending and transport in packages.needs(path).transports}
            if own:
                needs = languages.of(next(iter(own.values()))).advice.removeprefix("install ")
                yield f"| {language} | {transport} | {' '.join(map(_named, own.values()))} | {needs} |"


def _named(path: Path) -> str:
    commands = ", ".join(packages.needs(path).commands)
    return f"`{path.stem}`{f' (needs {commands})' if commands else ''}"


if __name__ == "__main__":
    sys.exit(derived_files.main(lambda: {PAGE: page()}, "Derive the table of clients in docs/clients.md."))
