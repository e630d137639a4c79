"""The schema of the adapter protocol: what is a line, in each direction, and what is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

SCHEMA = json.loads((Path(__file__).parent.parent / "schemas/adapter.schema.json").read_text(encoding="utf-8"))
RUN = {"type": "run", "run": "r1", "transport": "sse", "base_url": "http://127.0.0.1:1/v1", "api_key": "k", "request": {}}
SOCKET = {
    "type": "run",
    "run": "r1",
    "transport": "ws",
    "ws_url": "ws://127.0.0.1:1/",
    "dialect": "ws-chunk",
    "api_key": "k",
    "request": {},
}
HELLO = {"type": "hello", "protocol": 1, "name": "c", "transports": ["sse"], "retry": "none"}


def valid(direction: str, line: Any) -> bool:
    return jsonschema.Draft202012Validator({"$ref": f"#/$defs/{direction}", "$defs": SCHEMA["$defs"]}).is_valid(line)


def without(line: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in line.items() if key != name}


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "line",
    [
        {"type": "hello", "protocol": 1},
        {"type": "bye"},
        RUN,
        SOCKET,
        RUN | {"stop": "raise", "cancel_after_events": 1, "idle_timeout_ms": 0, "unknown": 1},
        RUN | {"next_api_keys": ["b"], "fallback_urls": ["https://x/v1"]},
    ],
)
def test_lines_of_the_runner(line: Any) -> None:
    assert valid("to_adapter", line)


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"type": "stop"},
        {"type": "hello"},
        {"type": "hello", "protocol": 2},
        RUN | {"transport": "tcp"},
        RUN | {"base_url": "127.0.0.1/v1"},
        RUN | {"cancel_after_events": 0},
        RUN | {"max_retries": -1},
        RUN | {"stop": "kill"},
        *(without(RUN, name) for name in ("run", "transport", "base_url", "api_key", "request")),
        *(without(SOCKET, name) for name in ("ws_url", "dialect")),
    ],
)
def test_no_lines_of_the_runner(line: Any) -> None:
    assert not valid("to_adapter", line)


@pytest.mark.parametrize(
    "line",
    [
        HELLO,
        HELLO | {"controls": ["stop"], "capabilities": ["resume"], "concurrency": 4, "dialects": ["ws-chunk"]},
        {"type": "delta", "run": "r1", "text": ""},
        {"type": "delta", "run": "r1", "text_b64": "SGk=", "index": 1},
        {"type": "tool_call", "run": "r1", "call": 0, "arguments": "{"},
        {"type": "reasoning", "run": "r1", "text": "hm"},
        {"type": "usage", "run": "r1", "usage": {"prompt_tokens": 1, "details": {}}},
        {"type": "retry", "run": "r1", "attempt": 2},
        {"type": "result", "run": "r1", "outcome": "ok"},
        {
            "type": "result",
            "run": "r1",
            "outcome": "error",
            "kind": "http",
            "status": 503,
            "message": "m",
            "text": "",
            "finish_reason": None,
        },
        {"type": "result", "run": "r1", "outcome": "ok", "tool_calls": [{"name": "f", "arguments": "{}"}], "choices": [{"text": "a"}]},
        {"type": "log", "anything": 1},
    ],
)
def test_lines_of_an_adapter(line: Any) -> None:
    assert valid("from_adapter", line)


@pytest.mark.parametrize(
    "line",
    [
        "text",
        {},
        {"type": 1},
        HELLO | {"protocol": 2},
        HELLO | {"transports": []},
        HELLO | {"controls": ["cancel_after_event"]},
        HELLO | {"capabilities": ["refreshkey"]},
        HELLO | {"retry": "always"},
        HELLO | {"concurrency": 0},
        *(without(HELLO, name) for name in ("protocol", "name", "transports", "retry")),
        {"type": "delta", "run": "r1"},
        {"type": "delta", "text": "a"},
        {"type": "delta", "run": "r1", "text": "a", "text_b64": "YQ=="},
        {"type": "delta", "run": "r1", "text_b64": "no base64!"},
        {"type": "delta", "run": "r1", "text": "a", "index": -1},
        {"type": "tool_call", "run": "r1"},
        {"type": "reasoning", "run": "r1"},
        {"type": "usage", "run": "r1", "usage": {"prompt_tokens": "1"}},
        {"type": "retry", "run": "r1", "attempt": 1},
        {"type": "result", "run": "r1"},
        {"type": "result", "run": "r1", "outcome": "fine"},
        {"type": "result", "run": "r1", "outcome": "error", "kind": "bad"},
        {"type": "result", "run": "r1", "outcome": "error", "status": "503"},
        {"type": "result", "run": "r1", "outcome": "ok", "tool_calls": [{"name": "f"}]},
    ],
)
def test_no_lines_of_an_adapter(line: Any) -> None:
    assert not valid("from_adapter", line)
