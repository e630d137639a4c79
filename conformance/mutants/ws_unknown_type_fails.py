"""A message of an unknown type is an error."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from conformance.reference import client


class Mutant(client.Answer):
    def untyped(self, body: dict[str, Any]) -> dict[str, Any]:
        known = ("usage", "done", "error", *self.DELTAS)
        if self.dialect != "sse" and "type" in body and body["type"] not in known:
            raise client.Failure("parse", f"unknown type {body['type']}")
        return super().untyped(body)


PARTS = replace(client.Parts(), answer=Mutant)
