# /// script
# dependencies = ["openai==3.54.0"]
# [tool.streamproof]
# transports = ["sse"]
# note = "Sends its key in `api-key`, to the URL of a deployment."
# ///
"""openai-python's blocking client for Azure, which sends the key in `api-key` and names the deployment in the URL."""

from __future__ import annotations

import openai
from _adapter import Caller, Run, serve
from _openai import HELLO, hand_on, options, verified


def client(run: Run) -> openai.AzureOpenAI:
    return openai.AzureOpenAI(
        api_key=run["api_key"],
        azure_endpoint=run["base_url"].removesuffix("/v1"),
        api_version="2024-10-21",
        **verified(run, "DefaultHttpxClient"),
    )


def stream(client: openai.AzureOpenAI, run: Run, caller: Caller) -> None:
    asked = {name: value for name, value in options(run).items() if name != "base_url"}
    chunks = client.with_options(**asked).chat.completions.create(**run["request"])
    hand_on(chunks, caller)


serve({"name": "openai-python-azure", **HELLO}, client, stream, openai.OpenAIError)
