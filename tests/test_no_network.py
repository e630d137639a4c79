"""A machine without Toxiproxy: what wants it says what to install, and all else goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from mockserver.testing import MockServer
from mockserver.transports import proxies
from tests import raw_http


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
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
def test_serve_says_what_to_install() -> None:
    command = (sys.executable, "-m", "mockserver", "serve", "--port", "0", "--network", "sliced")
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert proxies.INSTALL in ended.stderr


def test_ci_installs_where_it_is_looked_for() -> None:
    run = (Path(__file__).parent.parent / ".ci/run").read_text("utf-8")
    assert proxies.MODULE in run
    assert os.fspath(proxies.CACHE).removeprefix("~/") in run
