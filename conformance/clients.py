"""The clients that have a name, and templates of adapters for those that do not.

A file in `conformance/reference/` (`client.*`) or `conformance/adapters/` (but for `_…`, which others import) is a client; how it is
started follows from its ending.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from mockserver.author_errors import nearest

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"

STARTED_BY: Mapping[str, str] = {
    ".py": shlex.quote(sys.executable),
    ".mjs": "node",
    ".sh": "sh",
    ".java": "java",
    ".go": "go run",
}
LANGUAGES: Mapping[str, str] = {".py": "python", ".mjs": "node", ".go": "go", ".java": "java", ".rs": "rust", ".sh": "shell"}
ONE_SHOT = ("java", "rust", "shell")
"""Templates that are started once a run: the language has no JSON reader of its own."""


def named() -> dict[str, str]:
    """The command of every client that can be named."""
    reference = {f"reference-{LANGUAGES[path.suffix]}": path for path in sorted((HERE / "reference").glob("client.*"))}
    adapters = {path.stem: path for path in sorted((HERE / "adapters").glob("[!_]*"))}
    known = {**reference, **adapters}
    return {name: f"{STARTED_BY[path.suffix]} {shlex.quote(str(path))}" for name, path in known.items() if path.suffix in STARTED_BY}


def command(client: str) -> str:
    """The command that a `--client` value stands for: of a client by its name, else itself.

    Raises LookupError for one word that is neither a name nor a program.
    """
    known = named()
    if client in known:
        return known[client]
    words = shlex.split(client)
    if len(words) == 1 and "/" not in client and shutil.which(client) is None:
        raise LookupError(f"no client or command '{client}'{nearest(client, known)}; `streamproof clients` lists the clients")
    return client


def template(language: str) -> Path:
    """The template of an adapter in a language. Raises LookupError."""
    found = {LANGUAGES[path.suffix]: path for path in TEMPLATES.glob("adapter.*") if path.suffix in LANGUAGES}
    if language not in found:
        raise LookupError(f"no template in '{language}'{nearest(language, found)}; there are {', '.join(sorted(found))}")
    return found[language]


def trial(language: str, path: Path) -> str:
    """The command line that tries an adapter made from a template, behind whatever has to be compiled first."""
    file = shlex.quote(str(path))
    program = shlex.quote(f"./{path.stem}" if not path.is_absolute() else str(path.with_suffix("")))
    built = {"go": f"go build -o {program} {file} && ", "rust": f"rustc -O -o {program} {file} && "}
    started = program if language in built else f"{ {'python': 'python3', 'node': 'node', 'java': 'java', 'shell': 'sh'}[language] } {file}"
    one_shot = " --one-shot" if language in ONE_SHOT else ""
    return f"{built.get(language, '')}streamproof check --client {shlex.quote(started)}{one_shot}"
