"""A finish reason that OpenAI does not have is taken for stop."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from conformance.reference import client

KNOWN = ("stop", "length", "tool_calls", "content_filter", "function_call")


class Mutant(client.Answer):
    def untyped(self, body: dict[str, Any]) -> dict[str, Any]:
        for choice in client.objects(body.get("choices")):
            if choice.get("finish_reason") not in (None, *KNOWN):
                choice["finish_reason"] = "stop"  # type: ignore[index]  # the body is this event's own
        return super().untyped(body)


PARTS = replace(client.Parts(), answer=Mutant)
