"""Only an error that is an object counts, not a text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from conformance.reference import client


class Mutant(client.Answer):
    def check(self, body: Mapping[str, Any], name: str) -> None:
        if isinstance(body.get("error"), dict):
            super().check(body, name)


PARTS = replace(client.Parts(), answer=Mutant)
