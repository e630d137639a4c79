"""All runs of the process wait for one another."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from conformance.reference import client

TURN = threading.Lock()


class Mutant(client.Adapter):
    def run(self, order: Mapping[str, Any]) -> None:
        with TURN:
            super().run(order)


PARTS = replace(client.Parts(), adapter=Mutant)
