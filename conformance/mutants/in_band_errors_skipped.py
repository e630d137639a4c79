"""An error object in the stream is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from conformance.reference import client


class Mutant(client.Answer):
    def check(self, body: Mapping[str, Any], name: str) -> None:
        """No error is looked for."""


PARTS = replace(client.Parts(), answer=Mutant)
