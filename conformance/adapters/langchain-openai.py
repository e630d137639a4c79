# /// script
# dependencies = ["langchain-openai==1.7.3"]
# [tool.streamproof]
# transports = ["sse"]
# ///
"""langchain-openai: `async for chunk in ChatOpenAI(…).astream(messages)`."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from importlib.metadata import version
from typing import Any

import httpx
from _adapter import Caller, Json, Run, seconds, serve_async
from langchain_core.messages import AIMessageChunk
from langchain_openai import ChatOpenAI

HELLO = {
    "name": "langchain-openai",
    "version": version("langchain-openai"),
    "transports": ["sse"],
    "controls": ["cancel_after_events", "stop", "idle_timeout_ms", "connect_timeout_ms", "max_retries", "read_delay_ms"],
    "retry": "before-first-byte",
}
"""`request_timeout` bounds each read of the socket, so that is the idle timeout."""


class Model:
    """One chat model a run: its key and its options are the model's own."""

    async def close(self) -> None:
        """There is nothing to close."""


def options(run: Run) -> dict[str, Any]:
    limits = {"read": seconds(run, "idle_timeout_ms"), "connect": seconds(run, "connect_timeout_ms")}
    given = {name: limit for name, limit in limits.items() if limit is not None}
    request = run["request"]
    return {
        **({"timeout": httpx.Timeout(600, **{"connect": 5, **given})} if given else {}),
        **({"max_retries": run["max_retries"]} if "max_retries" in run else {}),
        **({"n": request["n"]} if "n" in request else {}),
        "stream_usage": bool((request.get("stream_options") or {}).get("include_usage")),
    }


async def stream(none: Model, run: Run, caller: Caller) -> None:
    request = run["request"]
    model: Any = ChatOpenAI(model=request["model"], api_key=run["api_key"], base_url=run["base_url"], **options(run))
    if "tools" in request:
        model = model.bind_tools(request["tools"])
    async with aclosing(model.astream([(each["role"], each["content"]) for each in request["messages"]])) as chunks:
        async for chunk in chunks:
            if caller.take([choice(chunk)], usage(chunk)):
                break
            await asyncio.sleep(caller.pause)


def choice(chunk: AIMessageChunk) -> Json:
    calls = [
        {"index": call["index"], "id": call["id"], "function": {"name": call["name"], "arguments": call["args"]}}
        for call in chunk.tool_call_chunks
    ]
    delta = {"content": chunk.text() if callable(chunk.text) else chunk.text, "tool_calls": calls}
    return {"delta": delta, "finish_reason": chunk.response_metadata.get("finish_reason")}


def usage(chunk: AIMessageChunk) -> Json | None:
    words = {"input_tokens": "prompt_tokens", "output_tokens": "completion_tokens", "total_tokens": "total_tokens"}
    return {words[name]: count for name, count in chunk.usage_metadata.items() if name in words} if chunk.usage_metadata else None


serve_async(HELLO, lambda run: Model(), stream)
