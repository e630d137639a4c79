"""Installing clients: one version each, all of it or nothing, whoever else does so or was stopped in it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance import clients, languages, packages
from conformance.languages import node
from mockserver.cli import main

SLOW = """
import time
from pathlib import Path
from conformance import clients, packages, sigterm
from conformance.languages import of

adapter, wanted = clients.pinned("httpx-sse")

def fetch(folder, pins):
    print("begun", flush=True)
    time.sleep(60)

object.__setattr__(of(adapter), "fetch", fetch)
with sigterm.unwinds():
    packages.install(adapter, wanted)
"""


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    packages.cache().mkdir(parents=True)
    return packages.cache()


def installing() -> subprocess.Popen[str]:
    """A process that has begun to install and takes its time."""
    process = subprocess.Popen([sys.executable, "-c", SLOW], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def install_nothing(monkeypatch: pytest.MonkeyPatch) -> tuple[Path, packages.Needs]:
    adapter, wanted = clients.pinned("httpx-sse")
    monkeypatch.setattr(languages, "of", lambda path: languages.Language("none", (), (), "", lambda folder, pins: None, lambda *of: []))
    return adapter, wanted


def test_what_a_killed_installer_left_goes_and_what_another_is_at_stays(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed = installing()
    killed.kill()
    killed.communicate()
    (left,) = cache.glob(".new-*")
    other = installing()
    try:
        assert not left.exists()
        (its,) = cache.glob(".new-*")
        packages.install(*install_nothing(monkeypatch))
        assert list(cache.glob(".new-*")) == [its]
    finally:
        other.send_signal(signal.SIGTERM)
        other.communicate()
    assert other.returncode == 143
    assert not list(cache.glob(".new-*"))


def test_of_two_at_once_one_is_enough(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter, wanted = install_nothing(monkeypatch)
    both = threading.Barrier(2)

    def fetch(folder: Path, pins: Sequence[str]) -> None:
        (folder / "package").touch()
        both.wait(10)

    monkeypatch.setattr(languages, "of", lambda path: languages.Language("none", (), (), "", fetch, lambda *of: []))
    threads = [threading.Thread(target=packages.install, args=(adapter, wanted)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.name for path in cache.iterdir()] == ["none+httpx-sse-0.4.3+httpx-0.28.1"]


def test_a_cache_that_cannot_be_written_is_a_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    done = CliRunner().invoke(main, ["clients", "install", "httpx-sse"])
    assert done.exit_code == 2
    assert "cannot write into" in done.output


def test_a_relative_cache_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert packages.cache() == Path.home() / ".cache" / "streamproof" / "clients"


@pytest.mark.parametrize(
    "asked", ["httpx-sse==", "httpx-sse==0.4.*", "httpx-sse==0.4.1,<9", "httpx-sse==../../x", "ws==latest", "ws==^8", "ws==8"]
)
def test_what_is_not_one_version_is_refused(asked: str) -> None:
    with pytest.raises(LookupError, match="is not one version: wanted a whole number, such as"):
        clients.pinned(asked)


@pytest.mark.parametrize(
    "asked", ["httpx-sse==0.4", "openai-python==2.0.0rc1", "ws==8.0.0-beta.1", "openai-go==v3.1.0", "openai-go==3.0.0-beta.2"]
)
def test_what_is_one_version_is_taken(asked: str) -> None:
    assert clients.pinned(asked)[1].version == asked.partition("==")[2]


def test_a_client_of_the_kit_s_own_is_not_installed() -> None:
    done = CliRunner().invoke(main, ["clients", "install", "reference-python"])
    assert done.exit_code == 2
    assert "comes along with the kit" in done.output


def test_a_copy_beside_the_packages_is_never_seen_half_written(tmp_path: Path) -> None:
    """Others start the same client, or one of another text, while it is copied."""
    source, packed = tmp_path / "source", tmp_path / "packages"
    source.mkdir()
    packed.mkdir()
    adapter = source / "client.mjs"
    (source / "_shared.mjs").write_text("shared", "utf-8")
    adapter.write_text("one", "utf-8")
    first = node.beside(adapter, packed)
    before = first.stat().st_mtime_ns
    time.sleep(0.01)
    assert node.beside(adapter, packed) == first
    assert first.stat().st_mtime_ns == before
    adapter.write_text("two", "utf-8")
    second = node.beside(adapter, packed)
    assert [path.read_text("utf-8") for path in (first, second, second.parent / "_shared.mjs")] == ["one", "two", "shared"]
    assert {path.name for path in packed.iterdir()} == {first.parent.name, second.parent.name}


def test_a_page_changes_with_the_modules_it_shares(tmp_path: Path) -> None:
    page = tmp_path / "client.html"
    page.touch()
    alone = languages.digest(page)
    (tmp_path / "_shared.mjs").touch()
    assert languages.digest(page) != alone


def test_what_could_not_be_made_whole_is_not_there(tmp_path: Path) -> None:
    def half_made() -> None:
        with languages.whole(tmp_path / "built") as new:
            (new / "half").touch()
            raise packages.NotInstalled("it did not compile")

    with pytest.raises(packages.NotInstalled):
        half_made()
    assert not list(tmp_path.iterdir())
