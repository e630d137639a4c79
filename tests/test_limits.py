"""Limits over many requests: what is let through, what waits, and that a retry-after is true."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
import time
from itertools import product
from typing import Any

import httpx
import pytest

from mockserver.answers import ApiError, Request
from mockserver.author_errors import AuthorError
from mockserver.limits import Allowance, Limits, read_limits
from mockserver.testing import MockServer

BODY = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}]}
ASK = Request(BODY, "gpt-4.1")
SIZE = 80
"""20 tokens by the API's estimate."""


@pytest.mark.parametrize(
    ("value", "limits"),
    [
        ("rpm=60,tpm=30000,concurrent=5,queue=10", Limits(60, 30000, 5, 10)),
        (" rpm = 0.5 ", Limits(0.5)),
        ({"connections": 3, "age": 1.5}, Limits(connections=3, age=1.5)),
        ("", Limits()),
    ],
)
def test_limits_are_read(value: Any, limits: Limits) -> None:
    assert read_limits(value) == limits


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("rpn=1", "did you mean 'rpm'"),
        ("rpm", "a number > 0"),
        ("rpm=-1", "a number > 0"),
        ("rpm=inf", "a number > 0"),
        ("concurrent=1.5", "a whole number ≥ 1"),
        ("concurrent=1,queue=-1", "a whole number ≥ 0"),
        ("queue=1", "concurrent"),
        (5, "a mapping of rpm"),
        ({"rpm": True}, "a number > 0"),
    ],
)
def test_wrong_limits_are_explained(value: Any, wanted: str) -> None:
    with pytest.raises(AuthorError, match=wanted):
        read_limits(value)


def retry_after(error: ApiError | None) -> float:
    assert error is not None
    return int(dict(error.headers)["retry-after-ms"]) / 1000


@pytest.mark.parametrize("limits", [Limits(rpm=2), Limits(tpm=40), Limits(rpm=2, tpm=1000)])
def test_the_wait_that_is_told_is_the_wait_that_is_needed(limits: Limits) -> None:
    allowance = Allowance(limits)
    assert [allowance.ask(0.0, ASK, SIZE) for _ in range(2)] == [None, None]
    seconds = retry_after(allowance.ask(0.0, ASK, SIZE))
    assert seconds == pytest.approx(30.0, abs=0.01)
    assert allowance.ask(seconds - 0.1, ASK, SIZE) is not None
    assert allowance.ask(seconds, ASK, SIZE) is None


def test_the_error_is_the_apis_own() -> None:
    allowance = Allowance(Limits(tpm=30))
    assert allowance.ask(0.0, ASK, SIZE) is None
    error = allowance.ask(0.0, ASK, SIZE)
    assert error is not None
    assert (error.status, error.type, error.code) == (429, "tokens", "rate_limit_exceeded")
    assert "on tokens per min (TPM): Limit 30, Used 20, Requested 20. Please try again in 20s." in error.message


def test_what_never_fits_is_told_not_to_come_again() -> None:
    error = Allowance(Limits(tpm=10)).ask(0.0, ASK, SIZE)
    assert error is not None
    assert "Request too large" in error.message
    assert dict(error.headers) == {"x-should-retry": "false"}


@pytest.mark.parametrize(("more", "cost"), [({}, 20), ({"max_tokens": 500}, 500), ({"max_completion_tokens": 7}, 20)])
def test_tokens_are_the_larger_of_the_estimate_and_what_was_wanted(more: dict[str, int], cost: int) -> None:
    allowance = Allowance(Limits(tpm=1000))
    allowance.ask(0.0, Request({**BODY, **more}, "gpt-4.1"), SIZE)
    assert dict(allowance.fields(0.0))["x-ratelimit-remaining-tokens"] == str(1000 - cost)


def test_the_fields_agree_with_each_other() -> None:
    allowance = Allowance(Limits(rpm=60, tpm=600))
    for _ in range(3):
        allowance.ask(0.0, ASK, SIZE)
    assert dict(allowance.fields(1.0)) == {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-limit-tokens": "600",
        "x-ratelimit-remaining-requests": "58",
        "x-ratelimit-remaining-tokens": "550",
        "x-ratelimit-reset-requests": "2s",
        "x-ratelimit-reset-tokens": "5s",
    }


def test_those_who_wait_are_let_in_in_their_order() -> None:
    allowance, woken = Allowance(Limits(concurrent=1, queue=2)), []
    wakes = [lambda name=name: woken.append(name) for name in "abc"]
    assert allowance.enter(wakes[0]) is True
    assert [allowance.enter(wake) for wake in wakes[:2]] == [False, False]
    assert isinstance(allowance.enter(wakes[2]), ApiError)
    allowance.forget(wakes[0])
    allowance.leave()
    assert woken == ["b"]
    allowance.leave()
    assert allowance.enter(wakes[2]) is True
    assert allowance.running == 1


def ask(base_url: str, key: str = "sk-limits", **more: Any) -> httpx.Response:
    return httpx.post(f"{base_url}/chat/completions", json={**BODY, **more}, headers={"authorization": f"Bearer {key}"}, trust_env=False)


def test_each_key_has_its_own_minute_and_a_refused_request_takes_no_turn() -> None:
    with MockServer() as server:
        session = server.session([{}, {}, {}, {}], limits={"rpm": 2})
        answers = [ask(session.base_url, key) for key in ("sk-a", "sk-a", "sk-a", "sk-b")]
        assert [answer.status_code for answer in answers] == [200, 200, 429, 200]
        refused = answers[2]
        assert 29 <= int(refused.headers["retry-after"]) <= 30
        assert refused.headers["x-ratelimit-remaining-requests"] == "0"
        assert refused.json()["error"]["code"] == "rate_limit_exceeded"
        organization = answers[0].headers["openai-organization"]
        assert f"in organization {organization} on" in refused.json()["error"]["message"]
        assert [request["turn"] for request in session.journal()["requests"]] == [0, 1, None, 2]


def test_a_true_retry_after_over_the_wire() -> None:
    with MockServer() as server:
        session = server.session(limits="rpm=120")
        assert [ask(session.base_url).status_code for _ in range(2)] == [200, 200]
        session = server.session(limits={"rpm": 60, "tpm": 1200})
        assert ask(session.base_url, max_tokens=1200).status_code == 200
        # 60 tokens are restored in three seconds: a busy machine may take one or two between these.
        refused = ask(session.base_url, max_tokens=60)
        assert refused.status_code == 429
        time.sleep(float(refused.headers["retry-after-ms"]) / 1000)
        assert ask(session.base_url, max_tokens=60).status_code == 200


def test_every_response_has_the_fields_and_they_move() -> None:
    with MockServer() as server:
        names = [f"x-ratelimit-{what}-{of}" for what in ("limit", "remaining", "reset") for of in ("requests", "tokens")]
        answers = [ask(server.base_url), ask(server.base_url, stream=True), ask(server.base_url, n=0)]
        for answer in answers:
            assert all(answer.headers.get_list(name) for name in names)
            assert re.fullmatch(r"(\d+m)?\d+(\.\d+)?m?s", answer.headers["x-ratelimit-reset-tokens"])
        for answer, of in product(answers[:2], ("requests", "tokens")):
            left, limit = (int(answer.headers[f"x-ratelimit-{what}-{of}"]) for what in ("remaining", "limit"))
            assert left < limit, "the answered request itself is taken off, however long the answer took"
            assert answer.headers[f"x-ratelimit-reset-{of}"] != "0s"


def test_an_old_connection_ends_with_its_answer() -> None:
    with MockServer() as server, httpx.Client(trust_env=False, headers={"authorization": "Bearer sk-age"}) as http:
        session = server.session(limits={"age": 0.2})
        ages = []
        for _ in range(3):
            ages.append(http.post(f"{session.base_url}/chat/completions", json=BODY).headers.get("connection"))
            time.sleep(0.25)
        assert ages == [None, "close", None]
        session.wait_idle()
        assert [connection["requests"] for connection in session.journal()["connections"]] == [2, 1]


async def test_concurrency_with_a_queue() -> None:
    async with MockServer() as server, httpx.AsyncClient(trust_env=False) as http:
        session = server.session([{"pace": {"ttft": 0.2}}], limits={"concurrent": 1, "queue": 1})

        async def one(name: str) -> int:
            body = {**BODY, "stream": True}
            answer = await http.post(f"{session.base_url}/chat/completions", json=body, headers={"authorization": "Bearer sk-q"})
            return answer.status_code

        answering = [asyncio.create_task(one(name)) for name in "abc"]
        assert sorted([await answer for answer in answering]) == [200, 200, 429]
        await session.wait_idle()
        requests = session.journal()["requests"]
        assert sum(request["queued"] > 0.1 for request in requests) == 1
        assert await one("d") == 200, "all places are free again"


async def test_a_client_that_leaves_the_queue_frees_its_place() -> None:
    async with MockServer() as server, httpx.AsyncClient(trust_env=False) as http:
        session = server.session([{"pace": {"ttft": 0.3}}], limits={"concurrent": 1, "queue": 1})

        async def one() -> int:
            answer = await http.post(f"{session.base_url}/chat/completions", json=BODY, headers={"authorization": "Bearer sk-q"})
            return answer.status_code

        first = asyncio.create_task(one())
        await server.until(lambda: session.session.allowance("key-1").running == 1, 5)
        url = httpx.URL(session.base_url)
        body = json.dumps(BODY).encode()
        sock = socket.create_connection((url.host, url.port or 0))
        fields = f"Host: x\r\nAuthorization: Bearer sk-q\r\nContent-Length: {len(body)}\r\n\r\n"
        sock.sendall(f"POST {url.path}/chat/completions HTTP/1.1\r\n{fields}".encode() + body)
        await server.until(lambda: len(session.session.allowance("key-1").waiting) == 1, 5)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
        await server.until(lambda: not session.session.allowance("key-1").waiting, 5)
        assert [await one(), await first] == [200, 200]
