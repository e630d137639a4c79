"""Clients by name, and the adapters that `clients new` writes: each passes L0 as it is written."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance import clients, packages
from mockserver.cli import main

NEEDS = {"python": "python3", "node": "node", "go": "go", "java": "java", "rust": "rustc", "shell": "curl"}
SHORT = {"python": 40, "node": 40, "shell": 40}
"""Lines that a template may have where the language allows for few."""


def test_templates_are_those_that_are_offered() -> None:
    assert {clients.LANGUAGES[path.suffix] for path in clients.TEMPLATES.glob("adapter.*")} == set(NEEDS)
    for language, most in SHORT.items():
        assert len(clients.template(language).read_text("utf-8").splitlines()) <= most


@pytest.mark.parametrize("language", NEEDS)
def test_new_adapter_passes_l0_as_its_last_line_says(language: str, tmp_path: Path) -> None:
    if shutil.which(NEEDS[language]) is None and os.environ.get("CI") != "true":
        pytest.skip(f"no {NEEDS[language]} on this machine")
    file = "my first adapter" + clients.template(language).suffix
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    new = f"streamproof clients new --language {language} -o '{file}'"
    told = subprocess.run(["bash", "-c", new], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout
    trial = f"{told.removeprefix('try it: ').strip()} --level L0 --transport sse --json report.json"
    done = subprocess.run(["bash", "-c", trial], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert report["levels"][0]["state"] == "passed"
    assert {each["verdict"] for each in report["cases"]} == {"pass"}


def test_new_adapter_goes_to_standard_output_without_a_file() -> None:
    printed = CliRunner().invoke(main, ["clients", "new", "--language", "node"])
    assert (printed.exit_code, printed.output) == (0, clients.template("node").read_text("utf-8"))


def test_new_adapter_never_replaces_a_file(tmp_path: Path) -> None:
    file = tmp_path / "adapter.py"
    file.write_text("mine")
    refused = CliRunner().invoke(main, ["clients", "new", "--language", "python", "-o", str(file)])
    assert (refused.exit_code, file.read_text()) == (2, "mine")
    assert str(file) in refused.output


def test_clients_are_listed_with_language_version_transports_and_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    lines = {line.split()[0]: line.split()[1:] for line in CliRunner().invoke(main, ["clients"]).output.splitlines()}
    assert lines["reference-node"] == ["node", "-", "sse", "ws", "comes", "along"]
    openai = packages.needs(clients.adapters()["openai-python"])
    assert lines["openai-python"] == ["python", openai.version, "sse", "not", "installed"]
    packages.folder(clients.adapters()["openai-python"], openai).mkdir(parents=True)
    assert [
        line.split()[-2:] for line in CliRunner().invoke(main, ["clients"]).output.splitlines() if line.startswith("openai-python ")
    ] == [["sse", "installed"]]


def test_a_name_stands_for_its_command_and_a_command_for_itself() -> None:
    assert clients.command("reference-python") == shlex.join([sys.executable, str(clients.HERE / "reference/client.py")])
    assert clients.command("reference-node") == shlex.join(["node", str(clients.HERE / "reference/client.mjs")])
    for command in ("node adapter.mjs", "./adapter", "sh"):
        assert clients.command(command) == command


def test_a_misspelt_name_is_told_with_the_nearest() -> None:
    refused = CliRunner().invoke(main, ["check", "--client", "reference-pyhton"])
    assert refused.exit_code == 2
    assert "reference-python" in refused.output
    with pytest.raises(LookupError, match="there are go, java, node, python, rust, shell"):
        clients.template("cobol")
