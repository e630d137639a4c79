"""A pytest plugin: mock upstreams as fixtures, and tests that fail when their script was not played as written.

def test_retry(streamproof):
    streamproof([{"faults": ["reset"]}, {"answer": {"content": ["Hi"]}}])
    assert ask_with_retry() == "Hi"         # OPENAI_BASE_URL and OPENAI_API_KEY are set
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mockserver.testing import MockServer, MockSession

API_KEY = "sk-streamproof"
IDLE_SECONDS = 2.0
"""How long a test's answers may still run when it is over."""

_passed = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    told = "The network between the tests and their mock: that of a fault profile."
    parser.getgroup("streamproof").addoption("--streamproof-network", metavar="NAME", help=told)


@pytest.fixture(scope="session")
def streamproof_server(pytestconfig: pytest.Config) -> Iterator[MockServer]:
    """One server for all tests of this process, on a free port."""
    from mockserver.testing import MockServer

    with MockServer(network=pytestconfig.getoption("--streamproof-network")) as server:
        yield server


@pytest.fixture
def streamproof(
    streamproof_server: MockServer, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Callable[..., MockSession]]:
    """Opens a session and points `OPENAI_BASE_URL` and `OPENAI_API_KEY` at it; the arguments are those of `MockServer.session`.

    At the end the test fails if a turn was not taken, a fault could not act, or requests came after a script with
    `after: fail`. `must_play=False` leaves that unchecked.
    """
    checked: list[MockSession] = []

    def session(script: Any = None, *, must_play: bool = True, **options: Any) -> MockSession:
        opened = streamproof_server.session(script, **options)
        if must_play:
            checked.append(opened)
        monkeypatch.setenv("OPENAI_BASE_URL", opened.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", API_KEY)
        return opened

    yield session
    wrong = [each for opened in checked for each in _unplayed(opened)]
    if wrong and request.node.stash.get(_passed, True):
        pytest.fail("the script was not played as written:\n" + "\n".join(wrong), pytrace=False)


def _unplayed(session: MockSession) -> list[str]:
    try:
        session.wait_idle(IDLE_SECONDS)
    except TimeoutError:
        return [*session.unplayed(), f"an answer of session {session.key} is still under way"]
    finally:
        session.close()
    return session.unplayed()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that has failed already is not failed once more for what it left undone."""
    report = yield
    if report.when == "call":
        item.stash[_passed] = report.passed
    return report
