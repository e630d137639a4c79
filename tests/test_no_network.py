"""A machine without Toxiproxy: what wants it says what to install, and all else goes on."""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from conformance import case
from conformance.engine import Engine
from conformance.levels import levels
from conformance.process import Process
from conformance.verdict import Verdict
from mockserver.testing import MockServer
from mockserver.transports import proxies
from tests import raw_http


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # What another test of this process has started would do.
    monkeypatch.setattr(proxies._Toxiproxy, "running", None)
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setenv("HOME", os.fspath(tmp_path))


@pytest.mark.usefixtures("bare_machine")
def test_what_to_install_is_told() -> None:
    with MockServer() as server:
        with pytest.raises(proxies.NoToxiproxy, match=r"go install github\.com/Shopify/toxiproxy/v2/cmd/server@"):
            server.session("sliced")
        answer = httpx.post(f"{server.origin}/_mock/sessions", json={"profile": "sliced"}, trust_env=False)
        assert (answer.status_code, answer.json()["error"]["code"]) == (501, "mock_no_network")
        assert proxies.INSTALL in answer.json()["error"]["message"]
        assert server.upstream.store.all() == ()
        assert raw_http.post(server.session().base_url).complete
    with pytest.raises(proxies.NoToxiproxy), MockServer(network="sliced"):
        pass


@pytest.mark.usefixtures("bare_machine")
@pytest.mark.parametrize("workers", [(), ("--workers", "2", "--store", "memory")], ids=" ".join)
def test_serve_says_what_to_install(workers: tuple[str, ...]) -> None:
    command = (sys.executable, "-m", "mockserver", "serve", "--port", "0", "--network", "sliced", *workers)
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert proxies.INSTALL in ended.stderr


@pytest.mark.usefixtures("bare_machine")
def test_the_kits_cases_of_a_network_are_skipped_with_the_reason_and_block_no_level() -> None:
    command = shlex.join((sys.executable, "-m", "conformance.reference.client"))
    wanted = [each for each in case.corpus() if each.id == "L0.happy" or each.id.startswith("L3.network.")]
    results = asyncio.run(Engine(Process(command), transports=("sse",)).run(wanted))
    skipped = [check for result in results.cases if result.level == "L3" for check in result.checks]
    assert {(check.verdict, check.reason) for check in skipped} == {(Verdict.NOT_APPLICABLE, proxies.missing())}
    states = {level.name: level.state for level in levels(results.cases)}
    assert (states["L0"], states["L3"]) == ("passed", "not run")


def test_ci_installs_where_it_is_looked_for() -> None:
    run = (Path(__file__).parent.parent / ".ci/run").read_text("utf-8")
    assert proxies.MODULE in run
    assert os.fspath(proxies.CACHE).removeprefix("~/") in run
