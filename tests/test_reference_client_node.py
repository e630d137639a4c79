"""The Node reference client, over real sockets: the same rows as the Python one."""

from __future__ import annotations

import shutil

import pytest

from tests.reference_suite import ROOT, ReferenceClient


@pytest.mark.skipif(not shutil.which("node"), reason="no Node here")
class TestNode(ReferenceClient):
    command = ["node", str(ROOT / "conformance/reference/client.mjs")]  # noqa: RUF012
