"""All runs of the process wait for one another."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from conformance.reference.adapter import Adapter
from conformance.reference.client import Parts

TURN = threading.Lock()


class Mutant(Adapter):
    def run(self, order: Mapping[str, Any]) -> None:
        with TURN:
            super().run(order)


PARTS = Parts(adapter=Mutant)
