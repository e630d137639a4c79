"""Every tool call is taken for the first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from conformance.reference import client


class Mutant(client.Answer):
    def call_number(self, choice: client.Choice, fragment: Mapping[str, Any]) -> int:
        return 0


PARTS = replace(client.Parts(), answer=Mutant)
