"""A 401 is final although there is another key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.reference.adapter import Adapter
from conformance.reference.client import Parts


class Mutant(Adapter):
    def run(self, order: Mapping[str, Any]) -> None:
        super().run({name: value for name, value in order.items() if name != "next_api_keys"})


PARTS = Parts(adapter=Mutant)
