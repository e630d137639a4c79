"""Sessions: their turns, their isolation, the shortcuts to a profile's shared one, and how they end."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mockserver.sessions import MAX_STORED, Memory, Session, UnknownSession
from mockserver.testing import MockServer
from mockserver.turns import Script, Turn
from tests import raw_http

ASK = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}]}
KEY = {"authorization": "Bearer sk-session-test"}
FIRST_FAILS = """\
title: The first request fails
why: To see which turn a request took.
turns:
  - answer: {content: [first]}
  - answer: {content: [second]}
"""
ONLY_ON_WEBSOCKET = """\
title: Only a WebSocket has pings
why: To see a profile where it has no meaning.
turns:
  - faults: [pong: never]
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockServer]:
    folder = tmp_path_factory.mktemp("profiles")
    (folder / "two-turns.yaml").write_text(FIRST_FAILS)
    (folder / "no-pong.yaml").write_text(ONLY_ON_WEBSOCKET)
    with MockServer(profiles=[folder]) as server:
        yield server


def said(base_url: str, body: dict[str, Any] = ASK, **headers: str) -> str:
    answer = httpx.post(f"{base_url}/chat/completions", json=body, headers={**KEY, **headers}, trust_env=False)
    assert answer.status_code == 200, answer.text
    text: str = answer.json()["choices"][0]["message"]["content"]
    return text


@pytest.mark.parametrize(
    ("after", "turns"),
    [("stay", ["a", "b", "b", "b", "b"]), ("repeat", ["a", "b", "a", "b", "a"]), ("fail", ["a", "b", None, None, None])],
)
def test_after_the_last_turn(after: Any, turns: list[str | None]) -> None:
    script = Script(tuple(Turn({"content": name}) for name in "ab"), after)
    session = Session("s", script)
    taken = [session.take() for _ in range(5)]
    assert [number for number, _ in taken] == [0, 1, 2, 3, 4]
    assert [turn and (turn.answer or {})["content"] for _, turn in taken] == turns


def test_a_peek_takes_nothing() -> None:
    session = Session("s", Script((Turn({"content": "a"}), Turn({"content": "b"}))))
    assert session.peek() == session.peek() == session.take()[1]
    assert session.peek() == session.take()[1]


def test_memory_forgets_the_longest_unused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockserver.sessions.MAX_SESSIONS", 2)
    memory = Memory()
    memory.add(Session("a"))
    memory.add(Session("b"))
    memory.get("a")
    memory.add(Session("c"))
    assert {session.key for session in memory.all()} == {"a", "c"}
    with pytest.raises(UnknownSession, match="no session 'b'"):
        memory.get("b")


def test_a_session_that_nobody_uses_expires(server: MockServer) -> None:
    short, long = server.session(ttl=0.05), server.session(ttl=60)
    time.sleep(0.1)
    server.call(server.upstream.sweep)
    keys = {session.key for session in server.upstream.sessions()}
    assert short.key not in keys
    assert long.key in keys


def test_it_expires_by_itself(server: MockServer) -> None:
    session = server.session(ttl=0.05)
    deadline = time.monotonic() + 20
    while session.key in {each["key"] for each in httpx.get(f"{server.origin}/_mock/sessions", trust_env=False).json()["sessions"]}:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert httpx.post(f"{session.base_url}/chat/completions", json=ASK, headers=KEY, trust_env=False).status_code == 404


async def asked(base_url: str) -> tuple[int, str]:
    """Ask on a connection of its own; the status, and the text or the error's code."""
    url = httpx.URL(base_url)
    body = json.dumps(ASK).encode()
    reader, writer = await asyncio.open_connection(url.host, url.port)
    fields = f"Host: {url.host}\r\nAuthorization: Bearer sk-many\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(f"POST {url.path}/chat/completions HTTP/1.1\r\n{fields}".encode() + body)
    heard = raw_http.read(await reader.read())
    writer.close()
    said = json.loads(heard.body)
    return heard.status, said["choices"][0]["message"]["content"] if heard.status == 200 else said["error"]["code"]


async def test_five_hundred_sessions_at_once_see_only_their_own_turns() -> None:
    async with MockServer() as server:
        names = [f"session {number}" for number in range(500)]
        sessions = {name: server.session([{"answer": {"content": [f"{name}, turn {n}"]}} for n in (1, 2)], after="fail") for name in names}
        answers = await asyncio.gather(*(asked(session.base_url) for _ in range(3) for session in sessions.values()))
        heard = {name: sorted(answers[number :: len(names)]) for number, name in enumerate(names)}
        for name, answered in heard.items():
            assert answered == [(200, f"{name}, turn 1"), (200, f"{name}, turn 2"), (500, "mock_script_exhausted")]
        assert all(len(session.journal()["requests"]) == 3 for session in sessions.values())


def test_all_shortcuts_lead_to_one_shared_session_that_starts_again(server: MockServer) -> None:
    by_path = f"{server.origin}/p/two-turns/v1"
    named = {**ASK, "model": "gpt-4.1@two-turns"}
    assert [said(by_path), said(server.base_url, ASK, **{"x-mock-profile": "two-turns"}), said(server.base_url, named)] == [
        "first",
        "second",
        "first",
    ]
    journal = httpx.get(f"{server.origin}/_mock/sessions/profile:two-turns/journal", trust_env=False).json()
    assert [request["turn"] for request in journal["requests"]] == [0, 1, 2]
    assert {request["profile"] for request in journal["requests"]} == {"two-turns"}


def test_the_answer_names_the_model_without_the_profile(server: MockServer) -> None:
    def model_of(model: str) -> str:
        answer = httpx.post(f"{server.base_url}/chat/completions", json={**ASK, "model": model}, headers=KEY, trust_env=False)
        name: str = answer.json()["model"]
        return name

    assert model_of("gpt-4.1@two-turns") == "gpt-4.1"
    assert model_of("gpt-4.1@nobody") == "gpt-4.1@nobody"


@pytest.mark.parametrize(
    ("field", "model", "param"), [({"x-mock-profile": "two-turns"}, "gpt-4.1", "X-Mock-Profile"), ({}, "gpt-4.1@two-turns", "model")]
)
def test_inside_a_session_no_other_profile_can_be_named(server: MockServer, field: dict[str, str], model: str, param: str) -> None:
    session = server.session()
    url, body = f"{session.base_url}/chat/completions", {**ASK, "model": model}
    answer = httpx.post(url, json=body, headers={**KEY, **field}, trust_env=False)
    assert answer.status_code == 400
    assert (answer.json()["error"]["code"], answer.json()["error"]["param"]) == ("mock_profile_in_session", param)
    assert {request["turn"] for request in session.journal()["requests"]} <= {None}, "it takes no turn"


@pytest.mark.parametrize(
    ("path", "field", "model", "param"),
    [
        ("/p/two-turns/v1", "no-pong", "gpt-4.1", "X-Mock-Profile"),
        ("/p/two-turns/v1", None, "gpt-4.1@no-pong", "model"),
        ("/v1", "two-turns", "gpt-4.1@no-pong", "model"),
        ("/p/two-turns/v1", "two-turns", "gpt-4.1@two-turns", None),
    ],
    ids=["path and field", "path and model", "field and model", "the same thrice"],
)
def test_only_one_profile_can_be_named(server: MockServer, path: str, field: str | None, model: str, param: str | None) -> None:
    headers = KEY if field is None else {**KEY, "x-mock-profile": field}
    answer = httpx.post(f"{server.origin}{path}/chat/completions", json={**ASK, "model": model}, headers=headers, trust_env=False)
    if param is None:
        assert answer.status_code == 200
        return
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "mock_two_profiles", param)
    assert "'two-turns'" in error["message"]
    assert "'no-pong'" in error["message"]


@pytest.mark.parametrize(("path", "field"), [("/p/two-turn/v1", {}), ("/v1", {"x-mock-profile": "two-turn"})], ids=["path", "field"])
def test_an_unknown_profile_is_told_the_nearest(server: MockServer, path: str, field: dict[str, str]) -> None:
    headers = {**KEY, **field}
    for answer in (
        httpx.post(f"{server.origin}{path}/chat/completions", json=ASK, headers=headers, trust_env=False),
        httpx.get(f"{server.origin}{path}/models", headers=headers, trust_env=False),
        httpx.get(f"{server.origin}{path}/models/gpt-4.1", headers=headers, trust_env=False),
    ):
        assert answer.status_code == 404
        assert "two-turns" in answer.json()["error"]["message"]


def test_a_profile_with_mistakes_says_them_and_spoils_no_other(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("title: T\nwhy: W\nturns:\n  - faults: [resett]\n", encoding="utf-8")
    with MockServer(profiles=[tmp_path]) as server:
        for path, field, model in (("/p/broken", {}, "m"), ("", {"x-mock-profile": "broken"}, "m"), ("", {}, "m@broken")):
            url, body = f"{server.origin}{path}/v1/chat/completions", {**ASK, "model": model}
            answer = httpx.post(url, json=body, headers={**KEY, **field}, trust_env=False)
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "mock_author_error")
            assert "broken.yaml:4" in answer.json()["error"]["message"]
            assert "reset" in answer.json()["error"]["message"]
        listed = httpx.get(f"{server.origin}/_mock/profiles", trust_env=False).json()
        assert "reset-mid-stream" in {profile["name"] for profile in listed["profiles"]}
        assert len(listed["mistakes"]) == 1


def test_models_are_those_of_a_session_that_is_there(server: MockServer) -> None:
    for path, status in (("/p/two-turns/v1", 200), (httpx.URL(server.session().base_url).path, 200), ("/s/nobody/v1", 404)):
        assert httpx.get(f"{server.origin}{path}/models", headers=KEY, trust_env=False).status_code == status


def test_a_profile_without_a_meaning_here(server: MockServer) -> None:
    """At `/p/` and by field it is 501; in a session of one's own the fault is unfired."""
    for path, field in (("/p/no-pong/v1", {}), ("/v1", {"x-mock-profile": "no-pong"})):
        answer = httpx.post(f"{server.origin}{path}/chat/completions", json=ASK, headers={**KEY, **field}, trust_env=False)
        assert answer.status_code == 501
        assert "ws-chunk" in answer.json()["error"]["message"]
    session = server.session("no-pong")
    answer = httpx.post(f"{session.base_url}/chat/completions", json=ASK, headers=KEY, trust_env=False)
    assert (answer.status_code, answer.headers["x-mock-unfired"]) == (200, "pong")
    assert session.journal()["requests"][0]["unfired"] == ["pong"]


def test_ids_follow_from_the_seed(server: MockServer) -> None:
    def ids(seed: int | None) -> list[str]:
        session = server.session(seed=seed)
        answers = [httpx.post(f"{session.base_url}/chat/completions", json=ASK, headers=KEY, trust_env=False).json() for _ in range(2)]
        return [answer["id"] for answer in answers]

    assert ids(5) == ids(5)
    assert ids(5) != ids(6)
    assert len(set(ids(5))) == 2
    assert ids(None) != ids(None)


def test_stored_completions(server: MockServer) -> None:
    session = server.session()
    with httpx.Client(base_url=session.base_url, headers=KEY, trust_env=False) as http:
        kept = [http.post("/chat/completions", json={**ASK, "store": True, "metadata": {"n": str(n)}}).json() for n in range(3)]
        http.post("/chat/completions", json=ASK)
        path = f"/chat/completions/{kept[1]['id']}"
        assert http.get(path).json() == {**kept[1], "metadata": {"n": "1"}}
        assert [each["role"] for each in http.get(f"{path}/messages").json()["data"]] == ["user"]
        page = http.get("/chat/completions", params={"limit": 2}).json()
        assert ([each["id"] for each in page["data"]], page["has_more"]) == ([kept[0]["id"], kept[1]["id"]], True)
        rest = http.get("/chat/completions", params={"after": page["last_id"]}).json()
        assert ([each["id"] for each in rest["data"]], rest["has_more"]) == ([kept[2]["id"]], False)
        assert [each["id"] for each in http.get("/chat/completions?metadata[n]=2").json()["data"]] == [kept[2]["id"]]
        assert http.get("/chat/completions", params={"order": "desc"}).json()["first_id"] == kept[2]["id"]
        assert http.get("/chat/completions", params={"limit": 0}).status_code == 400
        assert http.post(path, json={"metadata": {"new": "1"}}).json()["metadata"] == {"new": "1"}
        assert http.post(path, json={}).status_code == 400
        assert http.delete(path).json() == {"object": "chat.completion.deleted", "id": kept[1]["id"], "deleted": True}
        assert http.get(path).status_code == 404
    other = httpx.get(f"{server.session().base_url}/chat/completions", headers=KEY, trust_env=False)
    assert other.json()["data"] == []


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"metadata": {"k" * 65: "v"}}, "metadata." + "k" * 65, "property_name_above_max_length"),
        ({"metadata": {"k": "v" * 513}}, "metadata.k", "string_above_max_length"),
        ({"metadata": {str(n): "" for n in range(17)}}, "metadata", "object_above_max_properties"),
        ({"metadata": {"k": 1}}, "metadata.k", "invalid_type"),
        ({"metadata": "k"}, "metadata", "invalid_type"),
        ({"metadata": {}, "title": "x"}, "title", "unknown_parameter"),
        ({}, "metadata", "missing_required_parameter"),
        ([], None, None),
    ],
)
def test_an_update_is_checked_as_a_request_is(server: MockServer, body: Any, param: str | None, code: str | None) -> None:
    session = server.session()
    with httpx.Client(base_url=session.base_url, headers=KEY, trust_env=False) as http:
        kept = http.post("/chat/completions", json={**ASK, "store": True, "metadata": {"n": "1"}}).json()["id"]
        refused = http.post(f"/chat/completions/{kept}", json=body)
        assert (refused.status_code, refused.json()["error"]["param"], refused.json()["error"]["code"]) == (400, param, code)
        assert http.get(f"/chat/completions/{kept}").json()["metadata"] == {"n": "1"}


def test_stored_completions_are_bounded() -> None:
    session = Session("s")
    for number in range(MAX_STORED + 5):
        session.keep({"id": str(number)}, [])
    assert next(iter(session.stored)) == "5"
    assert len(session.stored) == MAX_STORED


def test_the_seeds_proxy_doubles_done(server: MockServer) -> None:
    session = server.session(
        [{"answer": {"content": ["Xin", " chào"]}}, {"faults": [{"reset": {"at": "content:1"}}]}, {"faults": ["no-done"]}]
    )
    url = f"{session.base_url.removesuffix('/v1')}/api/stream/sse"

    def forwarded(body: Any) -> list[str]:
        return httpx.post(url, json=body, trust_env=False).text.split("\n\n")[:-1]

    whole = forwarded({"prompt": "chào", "model": "gpt-4.1"})
    assert whole[-2:] == ["data: [DONE]", "data: [DONE]"]
    assert all(block.startswith("data: {") for block in whole[:-2])
    assert forwarded({"prompt": "chào"})[-1] == 'data: {"error":"terminated"}'
    assert forwarded({"prompt": "chào"}).count("data: [DONE]") == 1
    assert forwarded({"prompt": 5}) == ['data: {"error":"API Error"}']


def test_health(server: MockServer) -> None:
    session = server.session([{"pace": {"tokens_per_second": 0.5}}])
    with httpx.stream("POST", f"{session.base_url}/chat/completions", json={**ASK, "stream": True}, headers=KEY, trust_env=False) as answer:
        next(answer.iter_raw())
        health = httpx.get(f"{server.origin}/health", trust_env=False).json()
        assert {name: health[name] for name in ("status", "connections")} == {"status": "healthy", "connections": 1}
        assert health["uptime"] > 0
    with httpx.stream("GET", f"{server.origin}/api/health", trust_env=False) as answer:
        pieces = answer.iter_raw()
        assert [next(pieces), next(pieces)] == [b": OK\n\n", b": OK\n\n"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/v1/chat/completions", 405),
        ("POST", "/v1/models", 405),
        ("DELETE", "/health", 405),
        ("POST", "/v1/responses", 404),
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/ws/chat", 426),
        ("GET", "/v1/models/any-model", 200),
    ],
)
def test_other_routes(server: MockServer, method: str, path: str, status: int) -> None:
    answer = httpx.request(method, f"{server.origin}{path}", headers=KEY, trust_env=False)
    assert answer.status_code == status
    if status >= 400:
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
        assert answer.headers["x-request-id"].startswith("req_")
    if status == 405:
        assert answer.headers["allow"]


def test_an_error_is_said_in_the_sessions_voice_and_stands_in_its_journal(server: MockServer) -> None:
    session = server.session(flavour="mistral")
    answers = [httpx.get(f"{session.base_url}/{path}", trust_env=False) for path in ("nothing", "embeddings")]
    assert [(answer.status_code, answer.json()["object"]) for answer in answers] == [(404, "error")] * 2
    assert [request["status"] for request in session.journal()["requests"]] == [404, 404]
    lost = httpx.get(f"{server.origin}/s/no-such-session/nothing", trust_env=False)
    assert lost.json()["error"]["code"] == "mock_unknown_session"


def test_head_has_no_content_and_the_connection_serves_on(server: MockServer) -> None:
    with httpx.Client(base_url=server.origin, headers=KEY, trust_env=False) as http:
        said = http.head("/v1/models")
        assert (said.status_code, said.content) == (200, b"")
        assert int(said.headers["content-length"]) == len(http.get("/v1/models").content)
        assert http.head("/v1/chat/completions").status_code == 405
        assert http.get("/health").status_code == 200


def test_a_client_that_waits_to_be_told_to_go_on(server: MockServer) -> None:
    url, body = httpx.URL(server.base_url), json.dumps(ASK).encode()
    with socket.create_connection((url.host, url.port or 0), timeout=5) as sock:
        fields = f"Host: x\r\nAuthorization: Bearer k\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        sock.sendall(f"POST /v1/chat/completions HTTP/1.1\r\n{fields}".encode())
        assert sock.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(body)
        assert sock.recv(12) == b"HTTP/1.1 200"


def test_only_json_is_read(server: MockServer) -> None:
    def status(content_type: str | None) -> int:
        fields = {**KEY, **({"content-type": content_type} if content_type else {})}
        body = b'{"model":"gpt-4.1","messages":[{"role":"user","content":"hi"}]}'
        return httpx.post(f"{server.base_url}/chat/completions", content=body, headers=fields, trust_env=False).status_code

    wanted = {"text/plain": 415, "application/json; charset=utf-8": 200, "application/problem+json": 200, None: 200}
    assert {kind: status(kind) for kind in wanted} == wanted


def test_a_rule_of_the_answers_file_answers(tmp_path: Path) -> None:
    from mockserver.model.rules import load

    rules = tmp_path / "rules.yaml"
    rules.write_text("- {contains: weather, text: Sunny.}\n- {contains: broken, profile: two-turns}\n")
    (tmp_path / "two-turns.yaml").write_text(FIRST_FAILS)
    with MockServer(profiles=[tmp_path], rules=load(rules, strict=True)) as server:
        session = server.session()

        def asked(text: str) -> httpx.Response:
            body = {**ASK, "messages": [{"role": "user", "content": text}]}
            return httpx.post(f"{session.base_url}/chat/completions", json=body, headers=KEY, trust_env=False)

        texts = [asked(text).json()["choices"][0]["message"]["content"] for text in ("the weather", "broken", "broken", "broken")]
        assert texts == ["Sunny.", "first", "second", "first"]
        assert asked("else").json()["error"]["code"] == "mock_no_rule_matched"
