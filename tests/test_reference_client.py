"""The Python reference client, over real sockets."""

from __future__ import annotations

import sys

from tests.reference_suite import ROOT, ReferenceClient


class TestPython(ReferenceClient):
    command = [sys.executable, str(ROOT / "conformance/reference/client.py")]  # noqa: RUF012
