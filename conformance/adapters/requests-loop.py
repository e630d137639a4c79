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
from _adapter import Caller, Run, serve
from _requests import HELLO, answered, client


def stream(session: requests.Session, run: Run, caller: Caller) -> None:
    with answered(session, run) as response:
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


serve({**HELLO, "name": "requests-loop", "version": version("requests")}, client, stream)
