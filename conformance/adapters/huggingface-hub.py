# /// script
# dependencies = ["huggingface_hub==2.4.0"]
# [tool.streamproof]
# transports = ["sse"]
# ///
"""huggingface_hub: `async for chunk in await AsyncInferenceClient(base_url=…).chat_completion(messages, stream=True)`.

It tries once. Its `timeout` bounds connecting and each read of the socket alike, and it is the client's own: there is one a run.
"""

from __future__ import annotations

import asyncio
from inspect import signature
from typing import Any

import huggingface_hub
from _adapter import Caller, Json, Run, seconds, serve_async

HELLO = {
    "name": "huggingface-hub",
    "version": huggingface_hub.__version__,
    "transports": ["sse"],
    "controls": ["cancel_after_events", "stop", "idle_timeout_ms", "read_delay_ms"],
    "retry": "none",
}

NAMED = signature(huggingface_hub.AsyncInferenceClient.chat_completion).parameters
"""What of a request the client has a parameter for; what is left goes into `extra_body`."""


def client(run: Run) -> Any:
    return huggingface_hub.AsyncInferenceClient(base_url=run["base_url"], api_key=run["api_key"], timeout=seconds(run, "idle_timeout_ms"))


async def stream(client: Any, run: Run, caller: Caller) -> None:
    async for chunk in await client.chat_completion(**parameters(run["request"])):
        if caller.take(chunk.choices, chunk.usage):
            break
        await asyncio.sleep(caller.pause)


def parameters(request: Json) -> Json:
    named = {name: value for name, value in request.items() if name in NAMED}
    rest = {name: value for name, value in request.items() if name not in named}
    return {**named, **({"extra_body": rest} if rest else {})}


serve_async(HELLO, client, stream)
