"""A finish reason that OpenAI does not have is taken for stop."""

from __future__ import annotations

from typing import Any

from conformance.reference.answer import Answer
from conformance.reference.client import Parts
from conformance.reference.lenient import objects

KNOWN = ("stop", "length", "tool_calls", "content_filter", "function_call")


class Mutant(Answer):
    def untyped(self, body: dict[str, Any]) -> dict[str, Any]:
        for choice in objects(body.get("choices")):
            if choice.get("finish_reason") not in (None, *KNOWN):
                choice["finish_reason"] = "stop"  # type: ignore[index]  # the body is this event's own
        return super().untyped(body)


PARTS = Parts(answer=Mutant)
