# /// script
# dependencies = ["openai==3.54.0"]
# [tool.streamproof]
# transports = ["sse"]
# ///
"""openai-python's blocking client: `for chunk in client.chat.completions.create(stream=True)`."""

from __future__ import annotations

import openai
from _adapter import Caller, Run, serve
from _openai import HELLO, hand_on, options, verified


def client(run: Run) -> openai.OpenAI:
    return openai.OpenAI(api_key=run["api_key"], base_url=run["base_url"], **verified(run, "DefaultHttpxClient"))


def stream(client: openai.OpenAI, run: Run, caller: Caller) -> None:
    chunks = client.with_options(**options(run)).chat.completions.create(**run["request"])
    hand_on(chunks, caller)


serve({"name": "openai-python", **HELLO}, client, stream, openai.OpenAIError)
