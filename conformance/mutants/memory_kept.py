"""Every answer is kept for ever, a megabyte each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from conformance.reference import client

HELD: list[bytearray] = []


class Mutant(client.Adapter):
    def run(self, order: Mapping[str, Any]) -> None:
        super().run(order)
        HELD.append(bytearray(b"x" * 4_000_000))


PARTS = replace(client.Parts(), adapter=Mutant)
