"""What `pytest --pyargs conformance --conformance-client CMD` collects: every case for that client. `conformance.pytest_plugin`
makes the items; without a client there is one, which is skipped."""

from __future__ import annotations

import pytest

from conformance.pytest_plugin import conclude
from conformance.verdict import CaseResult


def test_client(conformance_result: CaseResult, pytestconfig: pytest.Config) -> None:
    """The client keeps every MUST of the case."""
    conclude(conformance_result, strict=pytestconfig.getoption("--conformance-strict"))
