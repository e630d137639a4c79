"""What a caller does with the messages of a WebSocket: the libraries end there, and the dialect is the caller's own affair."""

from __future__ import annotations

import json
from typing import Any

from _adapter import Caller, Run


class ServerError(Exception):
    """A message of type error."""


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
        if self.run["dialect"] == "ws-sse-text" and not text.startswith("{"):
            return self.blocks(text)
        said = json.loads(text)
        if self.run["dialect"] == "ws-chunk":
            return self.hand(said) or self.finished()
        return self.typed(said)

    def blocks(self, text: str) -> bool:
        *whole, self.partial = (self.partial + text).split("\n\n")
        for block in whole:
            data = "\n".join(line.removeprefix("data: ") for line in block.splitlines() if line.startswith("data: "))
            if data == "[DONE]":
                return True
            if data and self.hand(json.loads(data)):
                return True
        return False

    def hand(self, chunk: dict[str, Any]) -> bool:
        return bool(self.caller.take(chunk["choices"], chunk.get("usage")))

    def finished(self) -> bool:
        """Bare chunks end with the last finish_reason, or with the usage that was asked for."""
        request = self.run["request"]
        reasons = [choice.finish_reason for choice in self.caller.choices.values()]
        usage_due = (request.get("stream_options") or {}).get("include_usage") and self.caller.usage is None
        return reasons.count(None) == 0 and len(reasons) >= (request.get("n") or 1) and not usage_due

    def typed(self, said: dict[str, Any]) -> bool:
        kind, index = said["type"], said.get("index") or 0
        if kind == "error":
            raise ServerError(said.get("message") or json.dumps(said))
        if kind == "usage":
            return bool(self.caller.take(None, said.get("usage") or {name: count for name, count in said.items() if name != "type"}))
        if kind == "done":
            reasons = said.get("finish_reasons") or [said.get("finish_reason")]
            self.caller.take([{"index": number, "finish_reason": reason} for number, reason in enumerate(reasons)], said.get("usage"))
            return True
        deltas = {"content_delta": "content", "reasoning_delta": "reasoning_content"}
        if kind == "tool_call_delta":
            return self.hand({"choices": [{"index": index, "delta": {"tool_calls": said["tool_calls"]}}]})
        return kind in deltas and self.hand({"choices": [{"index": index, "delta": {deltas[kind]: said["content"]}}]})
