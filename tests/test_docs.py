"""What the documents show is what happens.

A block after `<!-- run -->` is run; a document's blocks run in order. In `console`, a line after `$ ` is a command (indented lines
continue it) and what follows is what it prints, where `…` is anything; a command that prints nothing must succeed. After
`<!-- run: server -->` the command keeps running until the document ends. `python` is run as a program, which must print nothing;
`yaml` is loaded as a profile. 8080 stands for a free port. Commands run where the checkout is, or, in a document that says
`<!-- in an empty folder -->`, in one.
"""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from mockserver import yaml_marks
from mockserver.profiles import load

ROOT = Path(__file__).parent.parent
DOCUMENTS = [path for path in (*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md"))) if "<!-- run" in path.read_text("utf-8")]
BLOCK = re.compile(r"^<!-- run(?P<server>: server)? -->\n```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (?P<command>.*\n(?:    .*\n)*)(?P<printed>(?:(?!\$ ).*\n)*)", re.MULTILINE)
READY = 'make() { command make -o .venv/.installed "$@"; }\n'
"""The environment that runs the tests is there already: `make` must not set it up again."""


@dataclass(frozen=True)
class Shell:
    port: int
    folder: Path = ROOT

    def start(self, command: str) -> subprocess.Popen[str]:
        # What `make test` was given is not for the `make` of a document.
        outside = {name: value for name, value in os.environ.items() if name != "ARGS" and not name.startswith(("MAKE", "MFLAGS"))}
        environment = outside | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "STREAMPROOF_PORT": str(self.port)}
        return subprocess.Popen(
            ["bash", "-c", READY + command],
            cwd=self.folder,
            env=environment | {"no_proxy": "*"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, command: str) -> str:
        with self.start(command) as process:
            printed, _ = process.communicate()
        assert process.returncode == 0 or printed, f"silently failed: {command}"
        return printed

    @contextmanager
    def serving(self, command: str, lines: int) -> Iterator[str]:
        """Keep a command running; gives its first `lines` lines."""
        with self.start(command) as process:
            try:
                assert process.stdout
                yield "".join(process.stdout.readline() for _ in range(lines)) + _last_words(process)
            finally:
                os.killpg(process.pid, signal.SIGTERM)


def _last_words(process: subprocess.Popen[str]) -> str:
    """What a server that ended at once has still said."""
    try:
        process.wait(0.1)
    except subprocess.TimeoutExpired:
        return ""
    return process.stdout.read() if process.stdout else ""


def free_port() -> int:
    """A port outside of those that the system hands to whoever connects: there another test's connection may take it at once."""
    while True:
        port = random.randrange(20000, 30000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def shows(expected: str, printed: str) -> bool:
    pattern = ".*?".join(re.escape(part) for part in expected.strip().split("…"))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


def play(text: str, shell: Shell) -> None:
    """Run all that a document marks. Raises AssertionError where something else happens than it shows."""
    with ExitStack() as servers:
        for block in BLOCK.finditer(text.replace("8080", str(shell.port))):
            if block["language"] == "python":
                printed = shell.run(f"python - <<'END_OF_BLOCK'\n{block['text']}END_OF_BLOCK\n")
                assert not printed, printed
            elif block["language"] == "yaml":
                load(*_document(block["text"]))
            else:
                for each in COMMAND.finditer(block["text"]):
                    expected = each["printed"]
                    if block["server"]:
                        printed = servers.enter_context(shell.serving(each["command"], expected.count("\n")))
                    else:
                        printed = shell.run(each["command"])
                    assert shows(expected, printed), f"$ {each['command']}printed\n{printed}\nnot\n{expected}"


def _document(text: str) -> tuple[object, str, str]:
    return yaml_marks.parse(text, "block")[0], "block", "block"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_document_shows_what_happens(path: Path, tmp_path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(BLOCK.findall(text)) == text.count("<!-- run"), "a mark without a block"
    play(text, Shell(free_port(), tmp_path if "<!-- in an empty folder -->" in text else ROOT))


def test_readme_is_among_them() -> None:
    assert ROOT / "README.md" in DOCUMENTS


@pytest.mark.parametrize(
    "text",
    [
        "<!-- run -->\n```console\n$ echo a…\n    b\na… c\n```\n",
        "<!-- run -->\n```console\n$ false\n```\n",
        "<!-- run -->\n```console\n$ true\nsomething\n```\n",
        "<!-- run -->\n```console\n$ echo one\none\n$ echo two\nthree\n```\n",
        "<!-- run: server -->\n```console\n$ echo 1; sleep 60\n2\n```\n",
        "<!-- run -->\n```python\nassert False\n```\n",
    ],
)
def test_a_document_that_lies_is_found_out(text: str) -> None:
    with pytest.raises(AssertionError):
        play(text, Shell(free_port()))


def test_a_document_that_is_true_passes() -> None:
    text = (
        "<!-- run: server -->\n```console\n$ echo $STREAMPROOF_PORT; sleep 60\n8080\n```\n"
        "<!-- run -->\n```console\n$ echo one \\\n    two\none two\n$ echo; seq 3\n\n1\n…\n```\n"
        "<!-- run -->\n```python\nassert 8080\n```\n"
        "```console\n$ false\n```\n"
    )
    play(text, Shell(free_port()))
