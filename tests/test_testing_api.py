"""`mockserver.testing` and the pytest plugin, used as their users do."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import httpx
import pytest

from mockserver.author_errors import AuthorError
from mockserver.testing import MockServer

pytest_plugins = ["pytester"]

ASK = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}]}
KEY = {"authorization": "Bearer sk-testing"}


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer() as server:
        yield server


def ask(base_url: str) -> int:
    return httpx.post(f"{base_url}/chat/completions", json=ASK, headers=KEY, trust_env=False).status_code


def test_in_a_test_that_blocks() -> None:
    threads = threading.active_count()
    with MockServer() as server:
        assert ask(server.base_url) == 200
        server.wait_idle()
        assert [request["status"] for request in server.journal()["requests"]] == [200]
        session = server.session([{"answer": {"content": ["x"]}}])
        assert ask(session.base_url) == 200
        assert len(server.journal()["requests"]) == 1, "a session has a journal of its own"
        assert session.ws_url == f"{session.base_url.replace('http', 'ws')}/ws/chat"
    assert threading.active_count() == threads
    with pytest.raises(httpx.ConnectError):
        ask(server.base_url)


async def test_in_a_test_that_awaits() -> None:
    async with MockServer(seed=1) as server, httpx.AsyncClient(trust_env=False) as http:
        session = server.session("reset-mid-stream")
        with pytest.raises(httpx.ReadError):
            await http.post(f"{session.base_url}/chat/completions", json={**ASK, "stream": True}, headers=KEY)
        await session.wait_idle()
        await server.wait_idle()
        assert session.journal()["requests"][0]["ended_how"] == "reset"
        assert session.unplayed() == []


async def test_waiting_is_awaitable_in_both_forms(server: MockServer) -> None:
    await asyncio.to_thread(ask, server.base_url)
    await server.wait_idle()


async def test_wait_idle_waits_and_gives_up() -> None:
    async with MockServer() as server, httpx.AsyncClient(trust_env=False) as http:
        session = server.session([{"pace": {"ttft": 0.3}}])
        asking = asyncio.create_task(http.post(f"{session.base_url}/chat/completions", json=ASK, headers=KEY))
        await server.until(lambda: bool(session.session.journal.requests), 5)
        with pytest.raises(TimeoutError):
            await session.wait_idle(0.05)
        await session.wait_idle()
        assert session.journal()["requests"][0]["ended_at"] is not None
        assert (await asking).status_code == 200


def test_what_was_not_played(server: MockServer) -> None:
    session = server.session([{}, {"faults": [{"reset": {"at": "tool:1"}}]}, {}], after="fail")
    assert session.unplayed() == ["turn 1 of 3 was not taken", "turn 2 of 3 was not taken", "turn 3 of 3 was not taken"]
    for _ in range(4):
        ask(session.base_url)
    assert session.unplayed() == ["request 2: the fault 'reset' could not act", "1 request(s) came after the last turn"]


def test_an_author_is_told_at_once(server: MockServer) -> None:
    with pytest.raises(AuthorError, match="reset-mid-stream"):
        server.session("reset-mid-strem")
    with pytest.raises(AuthorError, match="flavour"):
        server.session(flavor="openai")


def test_profiles_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("title: Mine\nwhy: To see.\nturns:\n  - answer: {content: [mine]}\n")
    with MockServer(profiles=[tmp_path]) as server:
        assert httpx.post(f"{server.session('mine').base_url}/chat/completions", json=ASK, headers=KEY, trust_env=False).json()["choices"]


def test_the_conformance_kit_sees_the_plan(server: MockServer) -> None:
    """The live journal holds the plan of each request, so that the wire can be compared with it."""
    from mockserver.steps import Reset

    session = server.session([{"faults": [{"reset": {"at": "start"}}]}])
    with pytest.raises(httpx.HTTPError):
        ask(session.base_url)
    session.wait_idle()
    (entry,) = session.session.journal.requests
    assert any(isinstance(step, Reset) for step in entry.plan.timeline)
    assert "plan" not in session.journal()["requests"][0]


SERVERS: list[tuple[dict[str, Any], int | str]] = [
    ({"profile": "server_error"}, 500),
    ({"turns": [{"answer": {"content": "only once"}}], "after": "fail"}, "only once"),
    ({"pace": "gpt-4.1"}, 200),
    ({"pace": {"ttft": 0.01}}, 200),
    ({"limits": "rpm=1"}, 200),
    ({"limits": {"rpm": 1}}, 200),
    ({"flavour": "azure"}, 200),
    ({"api_keys": ["sk-other"]}, 401),
    ({"api_keys": ["sk-testing=after:1"]}, 200),
    ({"models": ["m1"]}, 404),
    ({"chaos": ["server_error:1"]}, 500),
    ({"chaos": ["http-error:0"]}, 200),
    ({"echo": True}, "hi"),
    ({"pace": None, "limits": None}, 200),
]


@pytest.mark.parametrize(("options", "wanted"), SERVERS, ids=[next(iter(options)) for options, _ in SERVERS])
def test_a_server_is_told_in_the_words_of_sessions_and_of_serve(options: dict[str, Any], wanted: int | str) -> None:
    with MockServer(**options) as server:
        answer = httpx.post(f"{server.base_url}/chat/completions", json=ASK, headers=KEY, trust_env=False)
        assert answer.status_code == wanted if isinstance(wanted, int) else answer.json()["choices"][0]["message"]["content"] == wanted


def test_a_server_has_rules_for_its_answers(tmp_path: Path) -> None:
    file = tmp_path / "answers.yaml"
    file.write_text("- {contains: hi, text: hello}\n", encoding="utf-8")
    with MockServer(answers=file, strict=True) as server:
        answer = httpx.post(f"{server.base_url}/chat/completions", json=ASK, headers=KEY, trust_env=False)
        assert answer.json()["choices"][0]["message"]["content"] == "hello"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"flavour": "opnai"}, "openai"),
        ({"profile": "reset-mid-steam"}, "reset-mid-stream"),
        ({"profile": "tls-expired"}, "own_port"),
        ({"pace": "gpt-4"}, "gpt-4.1"),
        ({"limits": "rpms=1"}, "rpm"),
        ({"chaos": ["reset-mid-steam:0.5"]}, "reset-mid-stream"),
        ({"chaos": ["reset-mid-stream:2"]}, "from 0 to 1"),
        ({"turns": [{"fault": []}]}, "faults"),
        ({"api_key": "x"}, "api_keys"),
    ],
    ids=str,
)
def test_what_a_server_cannot_be_is_said_at_once(options: dict[str, Any], said: str) -> None:
    with pytest.raises(AuthorError, match=said):
        MockServer(**options)


PLUGIN = """
import os, httpx

def ask():
    url, key = os.environ["OPENAI_BASE_URL"], os.environ["OPENAI_API_KEY"]
    body = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}]}
    return httpx.post(f"{url}/chat/completions", json=body, headers={"authorization": f"Bearer {key}"}, trust_env=False)

def test_played(streamproof):
    streamproof([{"answer": {"content": ["a"]}}, {"answer": {"content": ["b"]}}])
    assert [ask().json()["choices"][0]["message"]["content"] for _ in range(2)] == ["a", "b"]

def test_turn_left(streamproof):
    streamproof([{}, {}])
    ask()

def test_unfired(streamproof):
    streamproof([{"faults": [{"reset": {"at": "tool:1"}}]}])
    ask()

def test_too_many(streamproof):
    streamproof([{}], after="fail")
    ask(), ask()

def test_not_checked(streamproof):
    streamproof([{}, {}], must_play=False)

def test_fails_by_itself(streamproof):
    streamproof([{}, {}])
    assert False

def test_environment_is_restored():
    assert "OPENAI_BASE_URL" not in os.environ
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_the_plugin_fails_tests_whose_script_was_not_played(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...]
) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))
    pytester.makepyfile(PLUGIN)
    installed = any(each.value == "mockserver.pytest_plugin" for each in entry_points(group="pytest11"))
    result = pytester.runpytest_subprocess(*(() if installed else ("-p", "mockserver.pytest_plugin")), *workers)
    result.assert_outcomes(passed=6, failed=1, errors=3)
    for line in ("*turn 2 of 2 was not taken*", "*the fault 'reset' could not act*", "*1 request(s) came after the last turn*"):
        result.stdout.fnmatch_lines([line])
