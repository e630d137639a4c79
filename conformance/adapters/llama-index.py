# /// script
# dependencies = ["llama-index-llms-openai-like==0.8.1"]
# [tool.streamproof]
# transports = ["sse"]
# ///
"""llama-index's `OpenAILike`: `async for response in await llm.astream_chat(messages)`."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from importlib.metadata import version
from typing import Any

from _adapter import Caller, Json, Run, seconds, serve_async
from llama_index.core.base.llms.types import ChatMessage, ChatResponse
from llama_index.llms.openai_like import OpenAILike

HELLO = {
    "name": "llama-index",
    "version": version("llama-index-llms-openai-like"),
    "transports": ["sse"],
    "controls": ["cancel_after_events", "stop", "idle_timeout_ms", "max_retries", "read_delay_ms"],
    "retry": "before-first-byte",
}
"""`timeout` bounds each read of the socket, so that is the idle timeout."""


class Model:
    """One model a run: its key and its options are the model's own."""

    async def close(self) -> None:
        """There is nothing to close."""


def options(run: Run) -> dict[str, Any]:
    limit = seconds(run, "idle_timeout_ms")
    return {
        **({} if limit is None else {"timeout": limit}),
        **({"max_retries": run["max_retries"]} if "max_retries" in run else {}),
    }


async def stream(none: Model, run: Run, caller: Caller) -> None:
    request = run["request"]
    llm = OpenAILike(
        model=request["model"],
        api_base=run["base_url"],
        api_key=run["api_key"],
        is_chat_model=True,
        is_function_calling_model=True,
        **options(run),
    )
    messages = [ChatMessage(role=each["role"], content=each["content"]) for each in request["messages"]]
    more = {name: value for name, value in request.items() if name in ("tools", "n", "stream_options")}
    handed: dict[int, int] = {}
    async with aclosing(await llm.astream_chat(messages, **more)) as responses:
        async for response in responses:
            if caller.take([choice(response, handed)], usage(response)):
                break
            await asyncio.sleep(caller.pause)


def choice(response: ChatResponse, handed: dict[int, int]) -> Json:
    """What a response adds to the one before: `delta` is the text of it, tool calls are whole so far. `handed` counts the characters of
    each call's arguments that were handed out."""
    calls = []
    for number, call in enumerate(response.message.additional_kwargs.get("tool_calls") or ()):
        arguments = call.function.arguments or ""
        fresh, more = number not in handed, arguments[handed.get(number, 0) :]
        handed[number] = len(arguments)
        if fresh or more:
            name = {"name": call.function.name} if fresh else {}
            calls.append({"index": number, "id": call.id if fresh else None, "function": {**name, "arguments": more}})
    thought = response.additional_kwargs.get("thinking_delta")
    delta = {"content": response.delta, "reasoning": thought, "tool_calls": calls}
    choices = response.raw.choices
    return {"delta": delta, "finish_reason": choices[0].finish_reason if choices else None}


def usage(response: ChatResponse) -> Json | None:
    words = ("prompt_tokens", "completion_tokens", "total_tokens")
    return {word: response.additional_kwargs[word] for word in words if word in response.additional_kwargs} or None


serve_async(HELLO, lambda run: Model(), stream)
