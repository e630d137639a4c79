"""What a careful caller does with the messages of a WebSocket: the libraries end there, and the dialect is the caller's own affair."""

from __future__ import annotations

import json
from typing import Any

from _adapter import Caller, Run


class ServerError(Exception):
    """A message that says an error."""


class ConnectionClosed(Exception):
    """The messages ended before the answer did."""


class Messages:
    """The messages of one answer. `take` is true when the answer is over, or the caller has had enough."""

    def __init__(self, run: Run, caller: Caller) -> None:
        self.run, self.caller = run, caller
        self.partial = ""

    def first(self) -> str:
        """The request, as the dialect wants it."""
        return json.dumps({**({} if self.run["dialect"] == "ws-chunk" else {"type": "chat.completion"}), **self.run["request"]})

    def take(self, message: str | bytes) -> bool:
        text = message if isinstance(message, str) else message.decode()
        if self.run["dialect"] == "ws-sse-text" and (self.partial or not text.startswith("{")):
            return self.blocks(text)
        if text == "[DONE]":
            return True
        said = json.loads(text)
        return self.typed(said) if "type" in said else self.chunk(said) or self.finished()

    def blocks(self, text: str) -> bool:
        *whole, self.partial = (self.partial + text).split("\n\n")
        for block in whole:
            data = "\n".join(line.removeprefix("data: ") for line in block.split("\n") if line.startswith("data: "))
            if data == "[DONE]" or (data and self.chunk(json.loads(data))):
                return True
        return False

    def chunk(self, said: dict[str, Any]) -> bool:
        if error := said.get("error"):
            raise ServerError(error.get("message") if isinstance(error, dict) else str(error))
        return bool(self.caller.take(said.get("choices"), said.get("usage")))

    def finished(self) -> bool:
        """Bare chunks end with the last finish_reason, or with the usage that was asked for."""
        request = self.run["request"]
        reasons = [choice.finish_reason for choice in self.caller.choices.values() if choice.finish_reason]
        usage_due = (request.get("stream_options") or {}).get("include_usage") and self.caller.usage is None
        return len(reasons) >= (request.get("n") or 1) and not usage_due

    def typed(self, said: dict[str, Any]) -> bool:
        kind, index = said["type"], said.get("index") or 0
        if kind == "error":
            raise ServerError(said.get("message") or json.dumps(said))
        if kind == "usage":
            return self.chunk({"usage": said.get("usage") or {name: count for name, count in said.items() if name != "type"}})
        if kind == "done":
            reasons = said.get("finish_reasons") or [said.get("finish_reason")]
            self.chunk(
                {"choices": [{"index": at, "finish_reason": reason} for at, reason in enumerate(reasons)], "usage": said.get("usage")}
            )
            return True
        if kind == "tool_call_delta":
            return self.chunk({"choices": [{"index": index, "delta": {"tool_calls": said["tool_calls"]}}]})
        deltas = {"content_delta": "content", "reasoning_delta": "reasoning_content"}
        return kind in deltas and self.chunk({"choices": [{"index": index, "delta": {deltas[kind]: said["content"]}}]})
