# /// script
# dependencies = ["litellm[mcp]==1.106.2"]
# [tool.streamproof]
# transports = ["sse"]
# hello_seconds = 60 # importing litellm takes five seconds of an idle core
# note = """It was judged as installed by `pip install "litellm[mcp]"`. Without the extra it asks nothing when a request has tools, and the
# caller is told "No module named 'mcp'". Its MCP client is imported beforehand: litellm does so inside its first calls, and calls that
# come together may find half a module."""
# ///
"""litellm: `async for chunk in await litellm.acompletion(stream=True)`, with a model of a provider that speaks as OpenAI does."""

from __future__ import annotations

import asyncio
import contextlib
import os
from importlib.metadata import version
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # without it the table of prices is fetched at import

import httpx
import litellm
from _adapter import Caller, Run, seconds, serve_async

with contextlib.suppress(ImportError):  # versions without it have no such race
    import litellm.experimental_mcp_client.client

HELLO = {
    "name": "litellm-sdk",
    "version": version("litellm"),
    "transports": ["sse"],
    "controls": ["cancel_after_events", "stop", "idle_timeout_ms", "connect_timeout_ms", "max_retries", "read_delay_ms"],
    "retry": "before-first-byte",
}
"""`timeout` bounds each read of the socket, so that is the idle timeout."""


litellm.suppress_debug_info = True
"""Without it a hint is printed to standard output at each error."""


class Functions:
    """The library has no client object but its functions."""

    async def close(self) -> None:
        """There is nothing to close."""


def options(run: Run) -> dict[str, Any]:
    limits = {"read": seconds(run, "idle_timeout_ms"), "connect": seconds(run, "connect_timeout_ms")}
    given = {name: limit for name, limit in limits.items() if limit is not None}
    return {
        **({"timeout": httpx.Timeout(600, **given)} if given else {}),
        **({"max_retries": run["max_retries"]} if "max_retries" in run else {}),
    }


async def stream(functions: Functions, run: Run, caller: Caller) -> None:
    request = {**run["request"], "model": f"openai/{run['request']['model']}"}
    chunks = await litellm.acompletion(**request, api_key=run["api_key"], api_base=run["base_url"], **options(run))
    async for chunk in chunks:
        said = chunk.model_dump()
        if caller.take(said["choices"], said.get("usage")):
            if caller.cancels:
                await chunks.aclose()
            break
        await asyncio.sleep(caller.pause)


serve_async(HELLO, lambda run: Functions(), stream)
