"""The official OpenAI packages, and the WebSocket exchanges of the articles this project started from."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest
import websockets

from mockserver.testing import MockServer
from tests.optional import need_node_packages

NODE = Path(__file__).parent / "node"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
ASK = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Explain streaming."}], "stream": True}
USAGE = {"stream_options": {"include_usage": True}}
REQUESTS: dict[str, dict[str, Any]] = {
    "text": {**ASK, **USAGE},
    "tools": {**ASK, **USAGE, "tools": [WEATHER], "tool_choice": "required"},
}


@pytest.fixture
async def server() -> AsyncIterator[MockServer]:
    async with MockServer(seed=7) as running:
        yield running


def _rows(chunk: Any, seen: dict[str, Any]) -> None:
    seen["usage"] = chunk.usage.model_dump(include={"prompt_tokens", "completion_tokens", "total_tokens"}) if chunk.usage else seen["usage"]
    for choice in chunk.choices:
        seen["text"] += choice.delta.content or ""
        seen["finish"] = choice.finish_reason or seen["finish"]
        for call in choice.delta.tool_calls or ():
            if call.function.name:
                seen["tools"].append({"name": call.function.name, "arguments": ""})
            seen["tools"][call.index]["arguments"] += call.function.arguments or ""


def _nothing() -> dict[str, Any]:
    return {"text": "", "tools": [], "usage": None, "finish": None}


async def by_sync_python(base_url: str, request: dict[str, Any]) -> dict[str, Any]:
    def stream() -> dict[str, Any]:
        seen = _nothing()
        with openai.OpenAI(api_key="sk-any", base_url=base_url, max_retries=0) as client:
            for chunk in client.chat.completions.create(**request):
                _rows(chunk, seen)
        return seen

    return await asyncio.to_thread(stream)


async def by_async_python(base_url: str, request: dict[str, Any], seen: dict[str, Any] | None = None) -> dict[str, Any]:
    seen = _nothing() if seen is None else seen
    async with openai.AsyncOpenAI(api_key="sk-any", base_url=base_url, max_retries=0) as client:
        create: Any = client.chat.completions.create
        async for chunk in await create(**request):
            _rows(chunk, seen)
    return seen


async def by_node(base_url: str, request: dict[str, Any]) -> dict[str, Any]:
    return await _node("stream.mjs", base_url, request)


async def _node(script: str, url: str, request: dict[str, Any]) -> dict[str, Any]:
    node = need_node_packages()
    process = await asyncio.create_subprocess_exec(
        node, str(NODE / script), url, json.dumps(request), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, error = await process.communicate()
    assert process.returncode == 0, error.decode()
    seen: dict[str, Any] = json.loads(out)
    return seen


CLIENTS = {"python": by_sync_python, "python, async": by_async_python, "node": by_node}


@pytest.mark.parametrize("client", CLIENTS)
async def test_text_and_usage(server: MockServer, client: str) -> None:
    seen = await CLIENTS[client](server.base_url, REQUESTS["text"])
    assert len(seen["text"].split()) > 5
    assert seen["finish"] == "stop"
    assert seen["usage"]["total_tokens"] == seen["usage"]["prompt_tokens"] + seen["usage"]["completion_tokens"]


@pytest.mark.parametrize("client", CLIENTS)
async def test_tools(server: MockServer, client: str) -> None:
    seen = await CLIENTS[client](server.base_url, REQUESTS["tools"])
    assert [call["name"] for call in seen["tools"]] == ["get_weather"]
    assert json.loads(seen["tools"][0]["arguments"])["city"]
    assert seen["finish"] == "tool_calls"


async def test_every_client_sees_the_same_text(server: MockServer) -> None:
    texts = {name: (await client(server.base_url, REQUESTS["text"]))["text"] for name, client in CLIENTS.items()}
    assert len(set(texts.values())) == 1, texts


async def test_a_reset_reaches_the_caller(server: MockServer) -> None:
    session = server.session({"turns": [{"answer": {"content": ["Hel", "lo"]}, "faults": [{"reset": {"at": "content:2"}}]}]})
    seen = _nothing()
    with pytest.raises(Exception, match=r"(?i)connection|incomplete|closed|read"):
        await by_async_python(session.base_url, REQUESTS["text"], seen)
    assert seen["text"] == "Hello"


TYPED = {"type": "chat.completion", "messages": ASK["messages"], "stream": True}


async def test_typed_messages_by_websockets(server: MockServer) -> None:
    text = ""
    types: list[str] = []
    async with websockets.connect(f"{server.ws_url}?model=gpt-4.1&api_key=sk-any") as socket:
        await socket.send(json.dumps(TYPED))
        async for message in socket:
            data = json.loads(message)
            types.append(data["type"])
            text += data.get("content", "")
            if data["type"] == "done":
                break
    assert text
    assert types[-2:] == ["usage", "done"]


async def test_bare_chunks_by_websockets_with_a_header(server: MockServer) -> None:
    text, finish = "", None
    async with websockets.connect(server.ws_url, additional_headers={"Authorization": "Bearer sk-any"}) as socket:
        await socket.send(json.dumps(ASK))
        while finish is None:
            data = json.loads(await socket.recv())
            text += data["choices"][0]["delta"].get("content") or ""
            finish = data["choices"][0]["finish_reason"]
    assert text
    assert finish == "stop"


@pytest.mark.parametrize(("query", "request_"), [("key=sk-any", ASK), ("model=gpt-4.1&api_key=sk-any", TYPED)])
async def test_the_articles_exchanges_by_ws(server: MockServer, query: str, request_: dict[str, Any]) -> None:
    seen = await _node("websocket.mjs", f"{server.ws_url}?{query}", request_)
    assert seen["text"]
    assert seen["code"] == 1000
