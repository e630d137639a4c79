"""The wheel is whole: built from the sdist, installed where there is no checkout, started from another directory."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from sysconfig import get_path

import httpx
import pytest

from tests.served import served

ROOT = Path(__file__).parent.parent
INSIDE = {
    "mockserver": "mockserver",
    "conformance": "conformance",
    "schemas": "mockserver/schemas",
    "fault_profiles": "mockserver/fault_profiles",
}
"""Where a folder of the checkout lies in the wheel."""


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel in it. The dependencies are lent by the one that runs the tests: no network is needed."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    python = folder / "bin/python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps", "--disable-pip-version-check", wheel)
    own = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (own / "lent.pth").write_text(get_path("purelib"), encoding="utf-8")
    return folder


def test_wheel_holds_every_file_of_the_checkout_and_no_other(wheel: Path) -> None:
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *INSIDE).split("\0")
    kept = [Path(name) for name in listed if name and (ROOT / name).is_file()]
    wanted = {"/".join((INSIDE[path.parts[0]], *path.parts[1:])) for path in kept}
    with zipfile.ZipFile(wheel) as archive:
        assert {name for name in archive.namelist() if ".dist-info/" not in name} == wanted


def test_installed_wheel_serves_and_finds_its_profiles_from_another_directory(environment: Path, tmp_path: Path) -> None:
    home = run(environment / "bin/python", "-c", "import mockserver; print(mockserver.__file__)", cwd=tmp_path)
    assert Path(home.strip()).is_relative_to(environment)
    names = sorted(path.stem for path in (ROOT / "fault_profiles").rglob("*.yaml"))
    request = {"model": "gpt-4.1", "stream": True, "messages": [{"role": "user", "content": "Hello"}]}
    with (
        served(str(environment / "bin/streamproof"), cwd=tmp_path) as server,
        httpx.Client(base_url=server.origin, headers={"authorization": "Bearer any"}, trust_env=False) as client,
    ):
        assert [each["name"] for each in client.get("/_mock/profiles").json()["profiles"]] == names
        assert client.post("/v1/chat/completions", json=request).text.endswith("data: [DONE]\n\n")
        assert client.post("/v1/chat/completions", json=request | {"n": 1000}).status_code == 400
        assert client.get(f"/_mock/profiles/{names[0]}").json()["name"] == names[0]


def test_installed_wheel_has_the_command_line_under_each_of_its_names(environment: Path, tmp_path: Path) -> None:
    shown = [
        run(*command, "--help", cwd=tmp_path)
        for command in ([environment / "bin/streamproof"], [environment / "bin/python", "-m", "mockserver"])
    ]
    assert all("serve" in each for each in shown)
