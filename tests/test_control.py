"""The control API below `/_mock/`, as a client in any language uses it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from mockserver.access import KeyRule
from mockserver.testing import MockServer

ASK = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}]}
KEY = {"authorization": "Bearer sk-control-test"}


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer() as server:
        yield server


@pytest.fixture
def http(server: MockServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.origin, trust_env=False) as client:
        yield client


def ask(http: httpx.Client, base_url: str, **more: Any) -> httpx.Response:
    return http.post(f"{base_url}/chat/completions", json=ASK, headers={**KEY, **more})


def test_a_session_is_opened_played_shown_and_closed(http: httpx.Client, server: MockServer) -> None:
    turns = [{"answer": {"content": ["one"]}}, {"answer": {"content": ["two"]}}]
    opened = http.post("/_mock/sessions", json={"turns": turns, "after": "fail", "seed": 3})
    assert opened.status_code == 201
    session = opened.json()
    assert session["base_url"] == f"{server.origin}/s/{session['key']}/v1"
    assert session["ws_url"] == f"{server.origin.replace('http', 'ws')}/s/{session['key']}/v1/ws/chat"
    assert "ca_file" not in session

    said = [ask(http, session["base_url"]) for _ in range(3)]
    assert [answer.status_code for answer in said] == [200, 200, 500]
    assert [answer.json()["choices"][0]["message"]["content"] for answer in said[:2]] == ["one", "two"]
    assert said[2].json()["error"]["code"] == "mock_script_exhausted"

    shown = http.get(f"/_mock/sessions/{session['key']}").json()
    assert {name: shown[name] for name in ("turns", "after", "taken", "requests", "seed")} == {
        "turns": 2, "after": "fail", "taken": 3, "requests": 3, "seed": 3,
    }  # fmt: skip
    assert session["key"] in [each["key"] for each in http.get("/_mock/sessions").json()["sessions"]]

    assert http.delete(f"/_mock/sessions/{session['key']}").status_code == 204
    assert http.get(f"/_mock/sessions/{session['key']}/journal").status_code == 404
    assert ask(http, session["base_url"]).json()["error"]["code"] == "mock_unknown_session"


def test_addresses_are_those_the_caller_used(http: httpx.Client) -> None:
    session = http.post("/_mock/sessions", json={}, headers={"host": "mock.internal:9"}).json()
    assert session["base_url"] == f"http://mock.internal:9/s/{session['key']}/v1"


def test_profiles_are_listed_and_shown(http: httpx.Client) -> None:
    listed = {profile["name"]: profile for profile in http.get("/_mock/profiles").json()["profiles"]}
    assert set(listed["reset-mid-stream"]) == {"name", "title", "tags", "dialects"}
    shown = http.get("/_mock/profiles/reset-mid-stream").json()
    assert shown["why"]
    assert shown["turns"] == 1
    missing = http.get("/_mock/profiles/reset-mid-strem")
    assert missing.status_code == 404
    assert "reset-mid-stream" in missing.json()["error"]["message"]


MISTAKES: list[tuple[dict[str, Any], list[str]]] = [
    ({"profile": "reset-mid-strem"}, ["did you mean 'reset-mid-stream'"]),
    ({"profle": "reset-mid-stream"}, ["unknown key 'profle'", "did you mean 'profile'"]),
    ({"turns": [{"faults": [{"rest": {"at": "content:1"}}]}], "flavour": "opena"}, ["'rest'", "'reset'", "'openai'"]),
    ({"turns": [{"answer": {"content": ["a"]}, "faults": [{"reset": {"at": "content:9"}}]}]}, ["turns.0.faults.0", "1 content"]),
    ({"turns": [{}], "after": "stop"}, ["after", "stay, repeat or fail"]),
    ({"turns": []}, ["at least one turn"]),
    ({"seed": "7"}, ["seed", "whole number"]),
    ({"seed": True}, ["seed", "whole number"]),
    ({"pace": "gpt-41"}, ["gpt-4.1"]),
    ({"pace": {"ttft": -1}}, ["ttft"]),
    ({"limits": {"rpmm": 1}}, ["'rpmm'", "'rpm'"]),
    ({"limits": {"rpm": 0}}, ["rpm", "> 0"]),
    ({"limits": {"queue": 3}}, ["concurrent"]),
    ({"tls": "/nowhere.pem"}, ["tls", "self-signed"]),
    ({"own_port": "yes"}, ["own_port", "true or false"]),
    ({"turns": [{"door": "reset"}]}, ["own_port"]),
    ({"profile": "reset-mid-stream", "turns": [{}]}, ["exclude each other"]),
    ({"ttl": 0}, ["ttl", "> 0"]),
]


@pytest.mark.parametrize(("body", "wanted"), MISTAKES, ids=lambda value: str(value)[:40])
def test_an_author_is_told_every_mistake(http: httpx.Client, body: dict[str, Any], wanted: list[str]) -> None:
    said = http.post("/_mock/sessions", json=body)
    assert said.status_code == 400
    error = said.json()["error"]
    assert error["code"] == "mock_author_error"
    assert all(word in error["message"] for word in wanted), error["message"]
    assert "\n".join(error["mistakes"]) == error["message"]


def test_several_mistakes_come_together(http: httpx.Client) -> None:
    error = http.post("/_mock/sessions", json={"x": 1, "seed": "a", "turns": [{"faults": ["rest", "hang-upp"]}]}).json()["error"]
    assert len(error["mistakes"]) == 4


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b"[" * 100_000])
def test_what_is_no_object_is_refused(http: httpx.Client, body: bytes) -> None:
    assert http.post("/_mock/sessions", content=body).status_code == 400


def test_wrong_paths_and_methods(http: httpx.Client) -> None:
    assert "/_mock/ready" in http.get("/_mock/redy").json()["error"]["message"]
    refused = http.put("/_mock/sessions")
    assert refused.status_code == 405
    assert set(refused.headers["allow"].split(", ")) == {"GET", "POST"}


def test_the_default_session_gets_another_script_and_is_reset() -> None:
    with MockServer() as server, httpx.Client(base_url=server.origin, trust_env=False) as http:
        assert http.put("/_mock/default", json={"turns": [{"answer": {"content": ["scripted"]}}]}).status_code == 200
        assert ask(http, server.base_url).json()["choices"][0]["message"]["content"] == "scripted"
        assert http.put("/_mock/default", json={"own_port": True}).status_code == 400
        other = http.post("/_mock/sessions", json={}).json()
        assert http.delete("/_mock/sessions/default").status_code == 400
        assert http.post("/_mock/reset").json() == {"closed": 1}
        assert http.get(f"/_mock/sessions/{other['key']}").status_code == 404
        assert http.get("/_mock/sessions/default").json()["requests"] == 0
        assert ask(http, server.base_url).json()["choices"][0]["message"]["content"] != "scripted"


def test_control_takes_no_turn_and_stands_in_no_journal(http: httpx.Client, server: MockServer) -> None:
    session = server.session([{}, {}])
    http.options(f"/s/{session.key}/v1/chat/completions")
    http.get(f"/s/{session.key}/v1/chat/completions", headers=KEY)
    http.get(f"/s/{session.key}/v1/models")
    http.post(f"/s/{session.key}/v1/chat/completions", json={**ASK, "foo": 1}, headers=KEY)
    http.post(f"/s/{session.key}/v1/chat/completions", json=ASK)
    http.get(f"/_mock/sessions/{session.key}")
    shown = http.get(f"/_mock/sessions/{session.key}").json()
    assert shown["taken"] == 0
    statuses = [request["status"] for request in session.journal()["requests"]]
    assert 401 in statuses
    assert 400 in statuses


def test_the_token_is_wanted_where_there_is_one() -> None:
    with MockServer(control_token="t0ken") as server, httpx.Client(base_url=server.origin, trust_env=False) as http:
        assert http.get("/_mock/profiles").status_code == 401
        assert http.get("/_mock/metrics").status_code == 401
        assert http.get("/_mock/sessions", headers={"x-mock-token": "t0ke"}).status_code == 401
        assert http.get("/_mock/sessions", headers={"x-mock-token": "t0ken"}).status_code == 200
        assert http.get("/_mock/sessions", headers={"authorization": "Bearer t0ken"}).status_code == 200
        assert ask(http, server.base_url).status_code == 200


def test_a_probe_needs_neither_token_nor_key() -> None:
    with MockServer(control_token="t0ken", api_keys={"sk-other": KeyRule()}) as server:
        for path in ("/_mock/ready", "/health"):
            assert httpx.get(f"{server.origin}{path}", trust_env=False).status_code == 200


def test_control_can_be_off() -> None:
    with MockServer(control=False) as server, httpx.Client(base_url=server.origin, trust_env=False) as http:
        assert http.get("/_mock/ready").status_code == 404
        assert ask(http, server.base_url).status_code == 200


def test_metrics_are_read_by_the_official_parser(http: httpx.Client, server: MockServer) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    session = server.session([{"faults": [{"reset": {"at": "content:1"}}]}])
    with pytest.raises(httpx.HTTPError):
        http.post(f"{session.base_url}/chat/completions", json={**ASK, "stream": True}, headers=KEY).read()
    session.wait_idle()
    said = http.get("/_mock/metrics")
    families = {family.name: family for family in text_string_to_metric_families(said.text)}
    samples = [sample for sample in families["streamproof_requests"].samples if sample.labels["ended_how"] == "reset"]
    assert [sample.labels["dialect"] for sample in samples] == ["sse"]
    faults = {(each.labels["fault"], each.labels["fired"]): each.value for each in families["streamproof_faults"].samples}
    assert faults["reset", "true"] >= 1
    assert "sk-control-test" not in said.text


@pytest.mark.parametrize(("how", "ended"), [("reset", "reset"), ("hang-up", "hangup"), ("end", "end"), (None, "reset")])
def test_what_runs_now_is_broken(http: httpx.Client, server: MockServer, how: str | None, ended: str) -> None:
    session = server.session([{"pace": {"tokens_per_second": 20}}])
    with http.stream("POST", f"{session.base_url}/chat/completions", json={**ASK, "stream": True}, headers=KEY) as answer:
        pieces = answer.iter_raw()
        next(pieces)
        said = http.post(f"/_mock/sessions/{session.key}/break", json={"how": how} if how else None).json()
        assert said == {"broken": 1, "how": how or "reset"}
        if how == "end":
            assert b"[DONE]" not in b"".join(pieces)
        else:
            with pytest.raises(httpx.HTTPError):
                list(pieces)
    session.wait_idle()
    (request,) = session.journal()["requests"]
    assert (request["ended_by"], request["ended_how"]) == ("server", ended)


async def heard_out(socket: ClientConnection) -> None:
    """Read until the connection ends, which raises."""
    while True:
        await socket.recv()


@pytest.mark.parametrize(("how", "code"), [("reset", None), ("hang-up", None), ("end", 1000)])
async def test_what_runs_on_a_websocket_is_broken(how: str, code: int | None) -> None:
    async with MockServer() as server, httpx.AsyncClient(base_url=server.origin, trust_env=False) as http:
        session = server.session([{"pace": {"tokens_per_second": 20}}])
        async with connect(f"{session.ws_url}?key=sk-break", proxy=None) as socket:
            await socket.send(json.dumps({**ASK, "stream": True}))
            await socket.recv()
            assert (await http.post(f"/_mock/sessions/{session.key}/break", json={"how": how})).json()["broken"] == 1
            with pytest.raises(ConnectionClosed) as closed:
                await heard_out(socket)
        assert (closed.value.rcvd and closed.value.rcvd.code) == code
        await session.wait_idle()
        assert session.journal()["requests"][0]["ended_by"] == "server"


def test_a_stall_by_hand_keeps_the_connection(http: httpx.Client, server: MockServer) -> None:
    session = server.session([{"pace": {"tokens_per_second": 20}}])
    with http.stream("POST", f"{session.base_url}/chat/completions", json={**ASK, "stream": True}, headers=KEY, timeout=0.5) as answer:
        pieces = answer.iter_raw()
        next(pieces)
        http.post(f"/_mock/sessions/{session.key}/break", json={"how": "stall"})
        with pytest.raises(httpx.ReadTimeout):
            list(pieces)
    session.wait_idle()
