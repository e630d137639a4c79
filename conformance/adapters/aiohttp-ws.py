# /// script
# dependencies = ["aiohttp==3.14.5"]
# [tool.streamproof]
# transports = ["ws"]
# ///
"""aiohttp's WebSocket client: `async for message in websocket`, as its documentation has it."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import aiohttp
from _adapter import Caller, Run, seconds, serve_async
from _messages import ConnectionClosed, Messages

HELLO = {
    "name": "aiohttp-ws",
    "version": aiohttp.__version__,
    "transports": ["ws"],
    "controls": ["cancel_after_events", "stop", "idle_timeout_ms", "connect_timeout_ms", "read_delay_ms", "ca_file"],
    "retry": "none",
}


def client(run: Run) -> aiohttp.ClientSession:
    named = {"connect": seconds(run, "connect_timeout_ms"), "sock_read": seconds(run, "idle_timeout_ms")}
    given = {name: limit for name, limit in named.items() if limit is not None}
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(300, sock_connect=30, **given)) if given else aiohttp.ClientSession()


def patience(run: Run) -> dict[str, Any]:
    """The idle timeout, by the name it has in this version."""
    limit = seconds(run, "idle_timeout_ms")
    return {"timeout": aiohttp.ClientWSTimeout(ws_receive=limit)} if hasattr(aiohttp, "ClientWSTimeout") else {"receive_timeout": limit}


async def stream(session: aiohttp.ClientSession, run: Run, caller: Caller) -> None:
    """The iteration ends silently at any close: what it means is for the caller to say."""
    messages = Messages(run, caller)
    async with session.ws_connect(
        run["ws_url"],
        headers={"Authorization": f"Bearer {run['api_key']}"},
        **patience(run),
        ssl=ssl.create_default_context(cafile=run["ca_file"]) if "ca_file" in run else True,
    ) as websocket:
        await websocket.send_str(messages.first())
        async for message in websocket:
            if message.type == aiohttp.WSMsgType.ERROR:
                raise message.data
            if messages.take(message.data):
                return
            await asyncio.sleep(caller.pause)
        raise ConnectionClosed(f"closed with {websocket.close_code} before the answer was over")


serve_async(HELLO, client, stream)
