"""A connection is waited for however long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from conformance.reference import client


class Mutant(client.Adapter):
    def run(self, order: Mapping[str, Any]) -> None:
        super().run({name: value for name, value in order.items() if name != "connect_timeout_ms"})


PARTS = replace(client.Parts(), adapter=Mutant)
