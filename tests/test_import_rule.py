"""Who may import whom: data runs one way, from values to the command line, and only the edge does I/O."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# A line is a layer. Its modules import from the lines above and from their own side of a `|`; never from below, never across.
# A folder stands for all its modules but those that are named themselves. Every new file is given its place here.
LAYERS = """
__init__ access answers api_errors author_errors bundled channels cors dialects._dialect doors event_stream events flavours._flavour \
    histogram lanes limits mock_errors namesake network noted paces parameters places reactions recording registry route \
    running_usage scene steps tokens turns websocket_errors writes writing yaml_marks
dialects | faults | flavours | framing | model
client_message compile heard invariants journal lint load load_message load_report merged_journal \
    pacing plan profiles replay settings slow_head validation
server_options session_options sessions
certificates labels lifeline orders outbox play redis_line shared_places slots sole_writer
exchange
load_watch upstream
transports
app beats breaking claims control fleet health joint_claims journal_file metrics recorder replicas request_lines routes seed_proxy \
    stop_signals stored workers
pytest_plugin testing
__main__ cli
"""
IO = {"aiohttp", "asyncio", "click", "select", "selectors", "signal", "socket", "ssl", "subprocess"}
CLOCKS_AND_CHANCE = {"random", "secrets", "time", "uuid"}
SEEDED = {"random.Random", "uuid.UUID"}
"""What of these follows from what it is given."""
FACE = {
    "answers", "author_errors", "bundled", "channels", "cli", "event_stream", "journal", "lifeline", "profiles", "registry", "steps",
    "testing", "writing", "yaml_marks",
}  # fmt: skip
"""What `conformance` may use of `mockserver`."""

PLACES = {
    module: (layer, side)
    for layer, line in enumerate(LAYERS.strip().splitlines())
    for side, names in enumerate(line.split("|"))
    for module in names.split()
}
STATE, EDGE, CLI = (PLACES[module][0] for module in ("sessions", "play", "cli"))


def assigned(dotted: str) -> str:
    """The name in LAYERS that a dotted name below `mockserver` falls under: "flavours.openai.OpenAI" → "flavours"; "" for none."""
    while dotted and dotted not in PLACES:
        dotted = dotted.rpartition(".")[0]
    return dotted


def imports(path: Path) -> Iterator[tuple[int, str, bool]]:
    """Each name that a file imports, with its line, and whether that happens only when a function is called."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lazy = {id(node) for function in functions for node in ast.walk(function)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, id(node) in lazy) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{'.' * node.level}{node.module or ''}.{alias.name}", id(node) in lazy) for alias in node.names)


def broken_by_mockserver(module: str, imported: str, lazy: bool) -> str:
    """The rule that a module of `mockserver` breaks by this import; "" if none."""
    layer, side = PLACES[assigned(module)]
    top, _, rest = imported.partition(".")
    if top == "mockserver":
        if rest not in {"", "*"} and not assigned(rest):
            return "has no layer"
        to_layer, to_side = PLACES[assigned(rest) or "__init__"]
        return "is a layer below" if to_layer > layer else "is across the layer" if to_layer == layer and to_side != side else ""
    if top == "conformance" and not (lazy and layer == CLI):
        return "is for the command line only, inside a function"
    if layer < EDGE and top in IO:
        return "is I/O, which belongs to the edge"
    if layer < STATE and top in CLOCKS_AND_CHANCE and imported not in SEEDED:
        return "is a clock or chance of its own, in what must be pure"
    return ""


def broken_by_conformance(imported: str) -> str:
    top, _, rest = imported.partition(".")
    return "is not mockserver's public face" if top == "mockserver" and rest.partition(".")[0] not in FACE else ""


def violations(root: Path) -> Iterator[str]:
    """Every broken rule below `root`, as "file:line: import: rule"."""
    for path in sorted([*root.glob("mockserver/**/*.py"), *root.glob("conformance/**/*.py")]):
        package, *parts = path.relative_to(root).with_suffix("").parts
        module, file = ".".join(parts), path.relative_to(root).as_posix()
        if package == "mockserver" and not assigned(module):
            yield f"{file}:1: has no layer; give it one in LAYERS of {Path(__file__).name}"
            continue
        for line, imported, lazy in imports(path):
            if imported.startswith("."):
                broken = "is relative; say from where"
            else:
                broken = broken_by_mockserver(module, imported, lazy) if package == "mockserver" else broken_by_conformance(imported)
            if broken:
                yield f"{file}:{line}: {imported}: {broken}"


def test_the_import_rule_holds() -> None:
    assert list(violations(ROOT)) == []


def test_no_layer_names_a_file_that_is_gone() -> None:
    stems = [ROOT / "mockserver" / module.replace(".", "/") for module in PLACES]
    assert [stem.name for stem in stems if not stem.with_suffix(".py").is_file() and not stem.is_dir()] == []


def test_importing_mockserver_runs_nothing() -> None:
    """Another distribution installs a package of this name: what stands in ours must not depend on who wrote it last."""
    assert (ROOT / "mockserver/__init__.py").read_text(encoding="utf-8") == ""


@pytest.mark.parametrize(
    ("file", "source", "rule"),
    [
        ("mockserver/answers.py", "from mockserver.plan import plan", "below"),
        ("mockserver/answers.py", "import mockserver.sessions", "below"),
        ("mockserver/answers.py", "from mockserver import app", "below"),
        ("mockserver/answers.py", "def f():\n    from mockserver.flavours.openai import Openai", "below"),
        ("mockserver/dialects/sse.py", "from mockserver.flavours.openai import Openai", "across"),
        ("mockserver/faults/timeline/reset.py", "from mockserver.dialects import sse", "across"),
        ("mockserver/flavours/_flavour.py", "from mockserver.flavours.openai import Openai", "below"),
        ("mockserver/plan.py", "import asyncio", "I/O"),
        ("mockserver/sessions.py", "from socket import socket", "I/O"),
        ("mockserver/plan.py", "from time import monotonic", "clock"),
        ("mockserver/faults/events/drop.py", "import random", "chance"),
        ("mockserver/faults/events/drop.py", "from random import choice", "chance"),
        ("mockserver/app.py", "def f():\n    import conformance.judge", "command line"),
        ("mockserver/cli/__init__.py", "from conformance import judge", "command line"),
        ("mockserver/answers.py", "from . import events", "relative"),
        ("mockserver/plan.py", "from mockserver.newcomer import X", "no layer"),
        ("mockserver/newcomer.py", "", "no layer"),
        ("conformance/judge.py", "from mockserver.sessions import Session", "public face"),
        ("conformance/judge.py", "import mockserver", "public face"),
    ],
)
def test_a_planted_violation_is_found(tmp_path: Path, file: str, source: str, rule: str) -> None:
    plant(tmp_path, file, source)
    (found,) = violations(tmp_path)
    assert found.startswith(f"{file}:")
    assert rule in found


@pytest.mark.parametrize(
    ("file", "source"),
    [
        (
            "mockserver/plan.py",
            "from mockserver.flavours._flavour import Flavour\nfrom mockserver import events\nfrom random import Random",
        ),
        ("mockserver/dialects/sse.py", "from mockserver.dialects import json\nfrom mockserver.flavours._flavour import Flavour"),
        ("mockserver/sessions.py", "import time, secrets"),
        ("mockserver/play.py", "import asyncio"),
        ("mockserver/cli/check.py", "def f():\n    from conformance import judge"),
        ("conformance/judge.py", "import asyncio\nfrom mockserver.testing import MockServer\nfrom conformance import case"),
    ],
)
def test_what_is_allowed_is_not_found(tmp_path: Path, file: str, source: str) -> None:
    plant(tmp_path, file, source)
    assert list(violations(tmp_path)) == []


def plant(root: Path, file: str, source: str) -> None:
    (root / file).parent.mkdir(parents=True)
    (root / file).write_text(source, encoding="utf-8")
