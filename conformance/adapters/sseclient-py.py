# /// script
# dependencies = ["sseclient-py==1.9.0", "requests==2.34.2"]
# [tool.streamproof]
# transports = ["sse"]
# ///
"""sseclient-py over requests: `for event in SSEClient(response).events()`, as its README has it."""

from __future__ import annotations

import json
import time
from importlib.metadata import version

import requests
from _adapter import Caller, Run, seconds, serve
from sseclient import SSEClient

HELLO = {
    "name": "sseclient-py",
    "version": version("sseclient-py"),
    "transports": ["sse"],
    "controls": ["cancel_after_events", "stop", "idle_timeout_ms", "connect_timeout_ms", "read_delay_ms", "ca_file", "connection"],
    "retry": "none",
}


def client(run: Run) -> requests.Session:
    return requests.Session()


def stream(session: requests.Session, run: Run, caller: Caller) -> None:
    with session.post(
        run["base_url"] + "/chat/completions",
        headers={"Authorization": f"Bearer {run['api_key']}"},
        json=run["request"],
        stream=True,
        timeout=(seconds(run, "connect_timeout_ms"), seconds(run, "idle_timeout_ms")),
        verify=run.get("ca_file"),
    ) as response:
        response.raise_for_status()
        for event in SSEClient(response).events():
            if event.data == "[DONE]":
                break
            chunk = json.loads(event.data)
            if caller.take(chunk["choices"], chunk.get("usage")):
                break
            time.sleep(caller.pause)


serve(HELLO, client, stream)
