"""The clients that have a name, and templates of adapters for those that do not.

A file in `conformance/reference/` (`client.*`) or `conformance/adapters/` (but for `_…`, which others import) is a client; how it is
started follows from its ending.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from conformance import languages, packages
from conformance.adapter import HELLO_SECONDS
from conformance.process import Process
from mockserver.author_errors import nearest

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"

LANGUAGES: Mapping[str, str] = {
    ".py": "python",
    ".mjs": "node",
    ".html": "page",
    ".go": "go",
    ".java": "java",
    ".rs": "rust",
    ".sh": "shell",
}
ONE_SHOT = ("java", "rust", "shell")
"""Templates that are started once a run: the language has no JSON reader of its own."""


def reference() -> dict[str, Path]:
    """The clients that need nothing but their language."""
    return {f"reference-{LANGUAGES[path.suffix]}": path for path in sorted((HERE / "reference").glob("client.*"))}


def adapters() -> dict[str, Path]:
    """The adapters of clients that come from a package registry, or along with their language."""
    return {path.stem: path for path in sorted((HERE / "adapters").glob("[!_]*")) if path.suffix in languages.MODULES}


def command(client: str, told: Callable[[str], None] = lambda line: None) -> str:
    """The command that a `--client` value stands for: of a client by its NAME or NAME==VERSION, else itself.

    What a named client needs is installed if it is not there; `told` then gets a line that says so. Raises LookupError for
    one word that is neither a name nor a program, and for a client that cannot be installed.
    """
    name = client.partition("==")[0]
    if client in reference():
        path = reference()[client]
        return shlex.join(languages.of(path).command(path, None))
    if name in adapters():
        adapter, wanted = pinned(client)
        if not packages.installed(adapter, wanted):
            told(f"installing {client} ({', '.join(wanted.packages)}) into {packages.cache()}")
        packages.install(adapter, wanted)
        return shlex.join(packages.started(adapter, wanted))
    words = words_of(client)
    if len(words) == 1 and "/" not in client and shutil.which(client) is None:
        known = [*reference(), *adapters()]
        if Path(client).is_file():
            raise LookupError(f"'{client}' is a file and no command: name what runs it, such as 'python3 {client}'")
        raise LookupError(f"no client or command '{client}'{nearest(client, known)}; `streamproof clients` lists the clients")
    return client


def words_of(command: str) -> list[str]:
    """The program and its arguments. Raises LookupError for what is no command."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise LookupError(f"'{command}' is no command: {error}") from None
    if not words:
        raise LookupError("an empty command")
    return words


def process(client: str, told: Callable[[str], None] = lambda line: None) -> Process:
    """The adapter that a `--client` value stands for; a client by name has the time for its hello that it asks for. Raises LookupError."""
    started = command(client, told)
    return Process(started, hello_seconds=known(client).hello_seconds or HELLO_SECONDS)


def known(client: str) -> packages.Needs:
    """What the adapter of a client by NAME or NAME==VERSION says of itself; of any other `--client` value nothing is known."""
    adapter = adapters().get(client.partition("==")[0])
    return packages.needs(adapter) if adapter is not None else packages.Needs((), ())


def pinned(client: str) -> tuple[Path, packages.Needs]:
    """The adapter of a client by NAME or NAME==VERSION, and what it needs. Raises LookupError."""
    name, sign, version = client.partition("==")
    if name in reference():
        raise LookupError(f"'{name}' comes along with the kit, in one version: there is nothing to install")
    if name not in adapters():
        raise LookupError(f"no client '{name}' that can be installed{nearest(name, adapters())}; `streamproof clients` lists the clients")
    adapter = adapters()[name]
    wanted = packages.needs(adapter)
    return adapter, wanted.at(version) if sign else wanted


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
    built = {"go": f"go build -o {program} {file} && ", "rust": f"rustc -O --crate-name adapter -o {program} {file} && "}
    started = program if language in built else f"{ {'python': 'python3', 'node': 'node', 'java': 'java', 'shell': 'sh'}[language] } {file}"
    one_shot = " --one-shot" if language in ONE_SHOT else ""
    return f"{built.get(language, '')}streamproof check --client {shlex.quote(started)}{one_shot}"
