# /// script
# dependencies = ["requests==2.34.2"]
# [tool.streamproof]
# transports = ["sse"]
# ///
"""requests, with the loop that is commonly written around `iter_lines`. What fails here fails in that loop or below it."""

from __future__ import annotations

import json
import time
from importlib.metadata import version

import requests
from _adapter import Caller, Run, seconds, serve

HELLO = {
    "name": "requests-loop",
    "version": version("requests"),
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
        for line in response.iter_lines():
            if not line.startswith(b"data: "):
                continue
            data = line[len(b"data: ") :].decode()
            if data.strip() == "[DONE]":
                break
            chunk = json.loads(data)
            if caller.take(chunk["choices"], chunk.get("usage")):
                break
            time.sleep(caller.pause)


serve(HELLO, client, stream)
