"""Tools that a test drives and a machine may lack: their absence is a skip with its reason, under CI=true a failure."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from mockserver.transports import proxies

NODE_MODULES = Path(__file__).parent / "node" / "node_modules"


def need(command: str) -> str:
    """The path of a command, which may have come with a package of this environment."""
    found = shutil.which(command) or shutil.which(command, path=os.fspath(Path(sys.executable).parent))
    if found is None:
        _absent(f"{command} is not installed")
    assert found is not None
    return found


def need_node_packages() -> str:
    """Node, with the packages of tests/node."""
    node = need("node")
    if not NODE_MODULES.is_dir():
        _absent("the packages of tests/node are not installed: npm was not there when make set up")
    return node


def need_network() -> None:
    """Toxiproxy, and its Python client."""
    reason = proxies.missing()
    if reason is not None:
        _absent(reason)


def _absent(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and CI=true")
    pytest.skip(reason)
