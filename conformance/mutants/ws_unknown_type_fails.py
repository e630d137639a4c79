"""A message of an unknown type is an error."""

from __future__ import annotations

from typing import Any

from conformance.reference.answer import Answer
from conformance.reference.client import Parts
from conformance.reference.failure import Failure


class Mutant(Answer):
    def untyped(self, body: dict[str, Any]) -> dict[str, Any]:
        known = ("usage", "done", "error", *self.DELTAS)
        if self.dialect != "sse" and "type" in body and body["type"] not in known:
            raise Failure("parse", f"unknown type {body['type']}")
        return super().untyped(body)


PARTS = Parts(answer=Mutant)
