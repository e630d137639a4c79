"""Same seed and order of requests in a session, same bytes; and what the text may depend on."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest
import websockets

from mockserver.testing import MockServer

HEAD = {"Authorization": "Bearer sk-any"}
ASK: dict[str, Any] = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Explain streaming."}]}
FAULTY = {
    "turns": [
        {"faults": [{"bad-json": {"chance": 0.5}}, {"drop": {"at": "content:2", "chance": 0.5}}]},
        {"faults": [{"reset": {"at": "content:2", "chance": 0.3}}], "pace": {"tokens_per_second": 2000, "jitter": 0.5}},
    ],
    "after": "repeat",
}


async def said(base_url: str, body: dict[str, Any]) -> bytes:
    """The body as far as it came."""
    received = b""
    async with httpx.AsyncClient(headers=HEAD) as client:
        try:
            async with client.stream("POST", f"{base_url}/chat/completions", json=body) as answer:
                async for piece in answer.aiter_raw():
                    received += piece
        except httpx.HTTPError:
            received += b"<broken>"
    return received


def text_of(body: bytes) -> str:
    chunks = [json.loads(data) for data in re.findall(rb"data: (\{.*\})\n", body)]
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


async def a_session(seed: int | None) -> list[bytes]:
    async with MockServer() as server:
        session = server.session(FAULTY, seed=seed) if seed is not None else server.session(FAULTY)
        return [await said(session.base_url, {**ASK, "stream": True}) for _ in range(6)]


async def test_the_same_seed_gives_the_same_bytes_on_another_server() -> None:
    first, second = await a_session(11), await a_session(11)
    assert first == second
    assert len(set(first)) > 1


async def test_another_seed_gives_other_bytes() -> None:
    assert await a_session(11) != await a_session(12)


async def test_without_a_seed_ids_differ_and_the_text_does_not() -> None:
    async with MockServer() as server:
        first, second = [await said(server.base_url, {**ASK, "stream": True}) for _ in range(2)]
    assert first != second
    assert text_of(first) == text_of(second)


@pytest.mark.parametrize(
    "more",
    [
        {"stream_options": {"include_usage": True}},
        {"logprobs": True, "top_logprobs": 3},
        {"metadata": {"a": "b"}, "user": "someone"},
        {"stream_options": {"include_obfuscation": False}},
    ],
)
async def test_the_text_does_not_depend_on_how_it_is_sent(more: dict[str, Any]) -> None:
    async with MockServer() as server:
        plain = text_of(await said(server.base_url, {**ASK, "stream": True}))
        assert text_of(await said(server.base_url, {**ASK, "stream": True, **more})) == plain


async def test_streamed_or_not_the_text_is_the_same() -> None:
    async with MockServer() as server:
        streamed = text_of(await said(server.base_url, {**ASK, "stream": True}))
        whole = json.loads(await said(server.base_url, ASK))
    assert whole["choices"][0]["message"]["content"] == streamed


@pytest.mark.parametrize("more", [{"seed": 3}, {"model": "gpt-4o"}, {"messages": [{"role": "user", "content": "Explain sockets."}]}])
async def test_the_text_depends_on_what_is_asked(more: dict[str, Any]) -> None:
    async with MockServer() as server:
        plain = text_of(await said(server.base_url, {**ASK, "stream": True}))
        assert text_of(await said(server.base_url, {**ASK, "stream": True, **more})) != plain


@pytest.mark.parametrize("dialect", ["ws-chunk", "ws-typed", "ws-sse-text"])
async def test_every_answer_on_a_websocket_has_an_id_of_its_own(dialect: str) -> None:
    async with MockServer(seed=4) as server, websockets.connect(f"{server.ws_url}?dialect={dialect}&key=sk-any") as socket:
        ids = []
        for _ in range(3):
            await socket.send(json.dumps({**ASK, "type": "chat.completion"} if dialect != "ws-chunk" else ASK))
            said = ""
            while '"finish_reason":"stop"' not in said:
                said += str(await socket.recv())
            ids.append(set(re.findall(r'"id":"(chatcmpl-[^"]+)"', said)))
    assert [len(each) for each in ids] == [1, 1, 1]
    assert len(set.union(*ids)) == 3
