# /// script
# dependencies = ["websockets==17.4"]
# [tool.streamproof]
# transports = ["ws"]
# ///
"""websockets: `await websocket.recv()` within `asyncio.timeout`, as its FAQ has it."""

from __future__ import annotations

import asyncio
import ssl
from importlib.metadata import version
from typing import Any

from _adapter import Caller, Run, seconds, serve_async
from _messages import Messages
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

HELLO = {
    "name": "websockets-recv",
    "version": version("websockets"),
    "transports": ["ws"],
    "controls": ["cancel_after_events", "stop", "idle_timeout_ms", "connect_timeout_ms", "read_delay_ms", "ca_file"],
    "retry": "none",
}


class Connecting:
    """The library has no client object but the connection, which its own `async with` closes."""

    def __init__(self, run: Run) -> None:
        options: dict[str, Any] = {"additional_headers": {"Authorization": f"Bearer {run['api_key']}"}}
        if opening := seconds(run, "connect_timeout_ms") or seconds(run, "idle_timeout_ms"):
            options["open_timeout"] = opening
        if "ca_file" in run:
            options["ssl"] = ssl.create_default_context(cafile=run["ca_file"])
        self.connect = connect(run["ws_url"], **options)

    async def close(self) -> None:
        """There is nothing left to close."""


async def stream(connecting: Connecting, run: Run, caller: Caller) -> None:
    messages = Messages(run, caller)
    async with connecting.connect as websocket:
        await websocket.send(messages.first())
        while True:
            async with asyncio.timeout(seconds(run, "idle_timeout_ms")):
                message = await websocket.recv()
            if messages.take(message):
                break
            await asyncio.sleep(caller.pause)


serve_async(HELLO, Connecting, stream, WebSocketException)
