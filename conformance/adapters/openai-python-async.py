# /// script
# dependencies = ["openai==3.54.0"]
# [tool.streamproof]
# transports = ["sse"]
# ///
"""openai-python's asynchronous client: `async for chunk in await client.chat.completions.create(stream=True)`."""

from __future__ import annotations

import asyncio

import openai
from _adapter import Caller, Run, serve_async
from _openai import HELLO, options, verified


def client(run: Run) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(api_key=run["api_key"], base_url=run["base_url"], **verified(run, "DefaultAsyncHttpxClient"))


async def stream(client: openai.AsyncOpenAI, run: Run, caller: Caller) -> None:
    chunks = await client.with_options(**options(run)).chat.completions.create(**run["request"])
    async for chunk in chunks:
        said = chunk.model_dump(by_alias=True, exclude_unset=True)
        if caller.take(said.get("choices"), said.get("usage")):
            if caller.cancels:
                await chunks.close()
            break
        await asyncio.sleep(caller.pause)


serve_async({"name": "openai-python-async", **HELLO}, client, stream, openai.OpenAIError)
