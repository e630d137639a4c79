"""The GitHub Action: its inputs are all used, and its script does what a workflow asks, run here as a runner would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance import clients

ROOT = Path(__file__).parent.parent
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
(CHECK,) = (step for step in ACTION["runs"]["steps"] if step.get("id") == "check")


def run(folder: Path, **inputs: str) -> tuple[int, str, Path]:
    """The check step with these inputs: its exit code, what it printed, and the folder it ran in."""
    streamproof = folder / "temp/streamproof/bin/streamproof"
    streamproof.parent.mkdir(parents=True)
    streamproof.write_text(f'#!/bin/sh\nexec {sys.executable} -m conformance "$@"\n')
    streamproof.chmod(0o755)
    given = {name: each["default"] for name, each in ACTION["inputs"].items()} | inputs
    environment = {name: given[_input(value)] for name, value in CHECK["env"].items()}
    runner = {"RUNNER_TEMP": f"{folder}/temp", "GITHUB_STEP_SUMMARY": f"{folder}/summary", "GITHUB_OUTPUT": f"{folder}/output"}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", CHECK["run"]]
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | runner | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr, folder


def _input(expression: str) -> str:
    found = re.fullmatch(r"\$\{\{ inputs\.([\w-]+) \}\}", expression)
    assert found, expression
    return found[1]


def test_every_input_is_used_and_every_use_is_an_input() -> None:
    used = {_input(value) for step in ACTION["runs"]["steps"] for value in step.get("env", {}).values()}
    assert used == set(ACTION["inputs"])
    assert all(each["description"] for each in ACTION["inputs"].values())


def test_a_good_client_is_green_and_the_summary_is_on_the_page(tmp_path: Path) -> None:
    client = f"{sys.executable} {clients.template('python')}"
    code, printed, folder = run(tmp_path, client=client, levels="L0", transports="sse", reports="some where")
    assert code == 0, printed
    assert "| L0 | ✅ passed |" in (folder / "summary").read_text("utf-8")
    assert (folder / "output").read_text() == "exit-code=0\n"
    written = {path.name for path in (folder / "some where").iterdir()}
    assert written == {"report.json", "junit.xml", "report.html", "summary.md", "badges"}


def test_a_bad_client_is_red_with_the_code_of_the_kit(tmp_path: Path) -> None:
    client = f"{sys.executable} {clients.template('python')}"
    code, _, folder = run(tmp_path, client=client, cases="L1.flavour.azure L1.flavour.openai", transports="sse")
    assert code == 1
    assert (folder / "output").read_text() == "exit-code=1\n"
    assert "`L1.flavour.azure`" in (folder / "summary").read_text("utf-8")


@pytest.mark.parametrize(
    ("inputs", "code"), [({}, 2), ({"client": "false", "one-shot": "true"}, 4), ({"client": "reference-python", "cases": "no.*"}, 2)]
)
def test_what_is_asked_wrongly_is_red_too(inputs: dict[str, str], code: int, tmp_path: Path) -> None:
    assert run(tmp_path, **inputs)[0] == code


def test_the_example_for_ci_gives_only_inputs_that_exist() -> None:
    text = (ROOT / "docs/ci.md").read_text("utf-8")
    found = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert found
    (steps,) = (job["steps"] for job in yaml.safe_load(found[1])["jobs"].values())
    (ours,) = (step for step in steps if "streamproof" in step.get("uses", ""))
    assert set(ours["with"]) <= set(ACTION["inputs"])
