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
from _adapter import Caller, Run, serve
from _requests import HELLO, answered, client
from sseclient import SSEClient


def stream(session: requests.Session, run: Run, caller: Caller) -> None:
    with answered(session, run) as response:
        for event in SSEClient(response).events():
            if event.data == "[DONE]":
                break
            chunk = json.loads(event.data)
            if caller.take(chunk["choices"], chunk.get("usage")):
                break
            time.sleep(caller.pause)


serve({**HELLO, "name": "sseclient-py", "version": version("sseclient-py")}, client, stream)
