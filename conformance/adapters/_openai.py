"""What the adapters of openai-python's clients share: their options, each by its documented name, and the loop over a blocking one."""

from __future__ import annotations

import ssl
import time
from typing import Any

import openai
from _adapter import Caller, Run, seconds

HELLO = {
    "version": openai.__version__,
    "transports": ["sse"],
    "controls": [
        "cancel_after_events", "stop", "idle_timeout_ms", "connect_timeout_ms", "max_retries", "read_delay_ms", "ca_file", "connection",
    ],
    "capabilities": ["reuse-connection"],
    "retry": "before-first-byte",
}  # fmt: skip
"""`timeout` bounds each read of the socket, so that is the idle timeout; there is none for a whole answer."""


def verified(run: Run, http_client: str) -> dict[str, Any]:
    """The client's own HTTP client, by its name, made to trust the run's authority alone, where there is one."""
    return (
        {"http_client": getattr(openai, http_client)(verify=ssl.create_default_context(cafile=run["ca_file"]))} if "ca_file" in run else {}
    )


def options(run: Run) -> dict[str, Any]:
    """The options of one request; what the run leaves out has the client's default."""
    limits = {"read": seconds(run, "idle_timeout_ms"), "connect": seconds(run, "connect_timeout_ms")}
    given = {name: limit for name, limit in limits.items() if limit is not None}
    return {
        "api_key": run["api_key"],
        "base_url": run["base_url"],
        **({"timeout": openai.Timeout(600, **{"connect": 5, **given})} if given else {}),
        **({"max_retries": run["max_retries"]} if "max_retries" in run else {}),
    }


def hand_on(chunks: openai.Stream[Any], caller: Caller) -> None:
    """The loop that users write over a blocking client's chunks."""
    for chunk in chunks:
        said = chunk.model_dump(by_alias=True, exclude_unset=True)
        if caller.take(said.get("choices"), said.get("usage")):
            if caller.cancels:
                chunks.close()
            break
        time.sleep(caller.pause)
