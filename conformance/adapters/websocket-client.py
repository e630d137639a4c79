# /// script
# dependencies = ["websocket-client==1.9.2"]
# [tool.streamproof]
# transports = ["ws"]
# ///
"""websocket-client: `create_connection(url)` and `recv()`, as its documentation of short-lived connections has it."""

from __future__ import annotations

import time
from importlib.metadata import version
from typing import Any

import websocket
from _adapter import Caller, Run, seconds, serve
from _messages import ConnectionClosed, Messages

HELLO = {
    "name": "websocket-client",
    "version": version("websocket-client"),
    "transports": ["ws"],
    "controls": ["cancel_after_events", "stop", "idle_timeout_ms", "connect_timeout_ms", "read_delay_ms", "ca_file"],
    "retry": "none",
}


class Connecting:
    """The library has no client object but the connection, which each run closes."""

    def __init__(self, run: Run) -> None:
        """Runs differ in nothing that outlives them."""

    def close(self) -> None:
        """There is nothing left to close."""


def options(run: Run) -> dict[str, Any]:
    opening = seconds(run, "connect_timeout_ms") or seconds(run, "idle_timeout_ms")
    return {
        "header": {"Authorization": f"Bearer {run['api_key']}"},
        **({"timeout": opening} if opening else {}),
        **({"sslopt": {"ca_certs": run["ca_file"]}} if "ca_file" in run else {}),
    }


def stream(connecting: Connecting, run: Run, caller: Caller) -> None:
    """`recv` returns an empty text for a close frame: what it means is for the caller to say."""
    messages = Messages(run, caller)
    connection = websocket.create_connection(run["ws_url"], **options(run))
    try:
        connection.settimeout(seconds(run, "idle_timeout_ms"))
        connection.send(messages.first())
        while True:
            message = connection.recv()
            if not message and not connection.connected:
                raise ConnectionClosed("closed before the answer was over")
            if messages.take(message):
                break
            time.sleep(caller.pause)
    finally:
        connection.close()


serve(HELLO, Connecting, stream, websocket.WebSocketException)
