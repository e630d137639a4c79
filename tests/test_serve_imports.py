"""`serve` starts fast because it imports only what it uses: without faults, of all our dependencies, two."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import httpx

from tests.served import served

NEEDED = {"aiohttp", "click"}


def dependencies() -> set[str]:
    """The distributions that streamproof depends on, as their names are compared."""
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {comparable(match[0]) for each in project["dependencies"] if (match := re.match(r"[\w.-]+", each))}


def comparable(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def imported(importtime: str) -> set[str]:
    """The top-level packages in what `python -X importtime` printed."""
    names = re.findall(r"^import time:.*\|\s*(\S+)$", importtime, re.MULTILINE)
    return {name.partition(".")[0] for name in names}


def test_serve_without_faults_imports_none_of_the_dependencies_it_does_not_use() -> None:
    with served(sys.executable, "-X", "importtime", "-m", "mockserver") as server:
        assert httpx.get(f"{server.origin}/health", trust_env=False).json()["status"] == "healthy"
    packages, distributions = imported(server.stderr), packages_distributions()
    ours = {comparable(name) for package in packages for name in distributions.get(package, [])} & dependencies()
    assert ours == NEEDED
    assert "conformance" not in packages
