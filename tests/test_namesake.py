"""Another distribution's package of the same name is found, and only that."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mockserver import namesake
from mockserver.testing import MockServer


def install(folder: Path, distribution: str, package: str) -> None:
    """What pip leaves of a distribution with one package (https://packaging.python.org/specifications/recording-installed-packages)."""
    metadata = folder / f"{distribution.replace('-', '_')}-5.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 5.0\n")
    (metadata / "RECORD").write_text(f"{package}/__init__.py,,\n{package}/client.py,,\n")


def listed(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, "-m", "mockserver", "profiles", "list"], capture_output=True, text=True, env=environment, check=False
    )


def test_the_command_line_stops_and_says_so(tmp_path: Path) -> None:
    install(tmp_path, "mockserver-client", "mockserver")
    done = listed(tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: streamproof and mockserver-client both install the package 'mockserver'")


def test_a_name_alone_is_no_conflict(tmp_path: Path) -> None:
    install(tmp_path, "mockserver-friendly", "something_else")
    assert listed(tmp_path).returncode == 0


def test_the_server_of_a_test_stops_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "mockserver-client", "mockserver")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(namesake.NamesakeError, match="mockserver-client"):
        MockServer()
