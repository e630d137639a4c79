# /// script
# dependencies = ["httpx-sse==0.4.3", "httpx==0.28.1"]
# [tool.streamproof]
# transports = ["sse"]
# ///
"""httpx-sse over httpx: `for sse in connect_sse(…).iter_sse()`, as its README has it."""

from __future__ import annotations

import ssl
import time
from importlib.metadata import version

import httpx
from _adapter import Caller, Run, seconds, serve
from httpx_sse import connect_sse

HELLO = {
    "name": "httpx-sse",
    "version": version("httpx-sse"),
    "transports": ["sse"],
    "controls": ["cancel_after_events", "stop", "idle_timeout_ms", "connect_timeout_ms", "read_delay_ms", "ca_file", "connection"],
    "capabilities": ["reuse-connection"],
    "retry": "none",
}


def client(run: Run) -> httpx.Client:
    limits = {"read": seconds(run, "idle_timeout_ms"), "connect": seconds(run, "connect_timeout_ms")}
    given = {name: limit for name, limit in limits.items() if limit is not None}
    verify = ssl.create_default_context(cafile=run["ca_file"]) if "ca_file" in run else True
    return httpx.Client(timeout=httpx.Timeout(5, **given), verify=verify)


def stream(client: httpx.Client, run: Run, caller: Caller) -> None:
    headers = {"Authorization": f"Bearer {run['api_key']}"}
    with connect_sse(client, "POST", run["base_url"] + "/chat/completions", headers=headers, json=run["request"]) as source:
        source.response.raise_for_status()
        for sse in source.iter_sse():
            if sse.data == "[DONE]":
                break
            chunk = sse.json()
            if caller.take(chunk["choices"], chunk.get("usage")):
                break
            time.sleep(caller.pause)


serve(HELLO, client, stream)
