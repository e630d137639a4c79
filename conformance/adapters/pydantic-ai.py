# /// script
# dependencies = ["pydantic-ai-slim[openai]==2.68.0"]
# [tool.streamproof]
# transports = ["sse"]
# ///
"""pydantic-ai: `async with model_request_stream(OpenAIChatModel(…), messages) as events`, its way to a model without an agent."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from typing import Any

import openai
from _adapter import Caller, Json, Run, seconds, serve_async
from pydantic_ai import exceptions
from pydantic_ai.direct import model_request_stream
from pydantic_ai.messages import ModelRequest
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.tools import ToolDefinition

HELLO = {
    "name": "pydantic-ai",
    "version": version("pydantic-ai-slim"),
    "transports": ["sse"],
    "controls": [
        "cancel_after_events", "stop", "idle_timeout_ms", "connect_timeout_ms", "max_retries", "read_delay_ms", "connection",
    ],
    "capabilities": ["reuse-connection"],
    "retry": "before-first-byte",
}  # fmt: skip
"""Limits and retries are those of the client that its provider is given."""


def client(run: Run) -> openai.AsyncOpenAI:
    limits = {"read": seconds(run, "idle_timeout_ms"), "connect": seconds(run, "connect_timeout_ms")}
    given = {name: limit for name, limit in limits.items() if limit is not None}
    options: dict[str, Any] = {"timeout": openai.Timeout(600, **{"connect": 5, **given})} if given else {}
    if "max_retries" in run:
        options["max_retries"] = run["max_retries"]
    return openai.AsyncOpenAI(api_key=run["api_key"], base_url=run["base_url"], **options)


async def stream(client: openai.AsyncOpenAI, run: Run, caller: Caller) -> None:
    own = client.with_options(api_key=run["api_key"], base_url=run["base_url"])
    model = OpenAIChatModel(run["request"]["model"], provider=OpenAIProvider(openai_client=own))
    messages = [ModelRequest.user_text_prompt(each["content"]) for each in run["request"]["messages"]]
    calls: list[int] = []
    async with model_request_stream(model, messages, model_settings=settings(run), model_request_parameters=parameters(run)) as events:
        async for event in events:
            if caller.take([{"delta": delta(event, calls)}]):
                return
            await asyncio.sleep(caller.pause)
        counted = events.usage() if callable(events.usage) else events.usage
        caller.take([{"finish_reason": finish_reason(events)}], usage(counted))


def settings(run: Run) -> dict[str, Any]:
    """What the model's settings have no word for goes into the body as it is."""
    return {"extra_body": {name: value for name, value in run["request"].items() if name == "n"}}


def parameters(run: Run) -> ModelRequestParameters:
    functions = [each["function"] for each in run["request"].get("tools", ())]
    tools = [ToolDefinition(name=each["name"], parameters_json_schema=each["parameters"]) for each in functions]
    return ModelRequestParameters(function_tools=tools)


def delta(event: Any, calls: list[int]) -> Json:
    """What an event hands out: the beginning of a part, or more of it. `calls` are the indices of the parts that are tool calls."""
    said = getattr(event, "part" if event.event_kind == "part_start" else "delta", None)
    if said is None or event.event_kind not in ("part_start", "part_delta"):
        return {}
    kind = getattr(said, "part_kind", None) or said.part_delta_kind.replace("_", "-")
    if kind in ("text", "thinking"):
        words = said.content if event.event_kind == "part_start" else said.content_delta
        return {"content" if kind == "text" else "reasoning": words}
    if kind != "tool-call":
        return {}
    if event.index not in calls:
        calls.append(event.index)
    name, more = (said.tool_name, said.args) if event.event_kind == "part_start" else (said.tool_name_delta, said.args_delta)
    function = {"name": name, "arguments": more or ""}
    return {"tool_calls": [{"index": calls.index(event.index), "id": said.tool_call_id, "function": function}]}


def finish_reason(events: Any) -> str | None:
    """The server's own word where the library hands it on."""
    reason: str | None = (events.provider_details or {}).get("finish_reason") or events.finish_reason
    return reason


def usage(counted: Any) -> Json | None:
    if not counted.has_values():
        return None
    return {"prompt_tokens": counted.input_tokens, "completion_tokens": counted.output_tokens, "total_tokens": counted.total_tokens}


serve_async(HELLO, client, stream, exceptions.AgentRunError)
