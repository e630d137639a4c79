"""Every answer is kept for ever, a megabyte each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.reference.adapter import Adapter
from conformance.reference.client import Parts

HELD: list[bytearray] = []


class Mutant(Adapter):
    def run(self, order: Mapping[str, Any]) -> None:
        super().run(order)
        HELD.append(bytearray(b"x" * 4_000_000))


PARTS = Parts(adapter=Mutant)
