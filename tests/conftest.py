"""How the tests share several processes (`-n 3 --dist loadgroup`): a file's tests stay together, for its fixtures cost more
than its tests, but for the files whose tests are slow by themselves."""

from __future__ import annotations

import pytest

SPREAD = ("test_mutants.py", "test_null_clients.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.name not in SPREAD:
            item.add_marker(pytest.mark.xdist_group(item.path.name))
