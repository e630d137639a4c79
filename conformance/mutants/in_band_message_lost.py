"""An in-band error's message is not told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from conformance.reference import client


class Mutant(client.Answer):
    def check(self, body: Mapping[str, Any], name: str) -> None:
        try:
            super().check(body, name)
        except client.Failure as failure:
            failure.message = "the stream failed"
            raise


PARTS = replace(client.Parts(), answer=Mutant)
