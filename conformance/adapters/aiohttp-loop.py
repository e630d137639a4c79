# /// script
# dependencies = ["aiohttp==3.14.5"]
# [tool.streamproof]
# transports = ["sse"]
# ///
"""aiohttp, with the loop that is commonly written around `response.content`. What fails here fails in that loop or below it."""

from __future__ import annotations

import asyncio
import json
import ssl

import aiohttp
from _adapter import Caller, Run, seconds, serve_async

HELLO = {
    "name": "aiohttp-loop",
    "version": aiohttp.__version__,
    "transports": ["sse"],
    "controls": ["cancel_after_events", "stop", "idle_timeout_ms", "connect_timeout_ms", "read_delay_ms", "ca_file", "connection"],
    "capabilities": ["reuse-connection"],
    "retry": "none",
}


def client(run: Run) -> aiohttp.ClientSession:
    return aiohttp.ClientSession()


def limits(run: Run) -> aiohttp.ClientTimeout:
    """The limits that the run asks for, beside those that the client has of its own."""
    named = {"connect": seconds(run, "connect_timeout_ms"), "sock_read": seconds(run, "idle_timeout_ms")}
    given = {name: limit for name, limit in named.items() if limit is not None}
    return aiohttp.ClientTimeout(300, sock_connect=30, **given)


async def stream(session: aiohttp.ClientSession, run: Run, caller: Caller) -> None:
    async with session.post(
        run["base_url"] + "/chat/completions",
        headers={"Authorization": f"Bearer {run['api_key']}"},
        json=run["request"],
        timeout=limits(run),
        ssl=ssl.create_default_context(cafile=run["ca_file"]) if "ca_file" in run else True,
    ) as response:
        response.raise_for_status()
        async for line in response.content:
            text = line.decode().strip()
            if not text.startswith("data: "):
                continue
            data = text.removeprefix("data: ")
            if data == "[DONE]":
                break
            chunk = json.loads(data)
            if caller.take(chunk["choices"], chunk.get("usage")):
                break
            await asyncio.sleep(caller.pause)


serve_async(HELLO, client, stream)
