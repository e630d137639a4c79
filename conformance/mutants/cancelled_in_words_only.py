"""A cancelled run is reported at once, and goes on behind its result."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from conformance.reference.adapter import Adapter
from conformance.reference.client import Parts


class Mutant(Adapter):
    def run(self, order: Mapping[str, Any]) -> None:
        if order.get("cancel_after_ms") is not None:
            going_on = {name: value for name, value in order.items() if name != "cancel_after_ms"}
            threading.Timer(
                order["cancel_after_ms"] / 1000, self.say, [{"type": "result", "run": order["run"], "outcome": "cancelled"}]
            ).start()
            Silent(self.parts).run(going_on)
        else:
            super().run(order)


class Silent(Adapter):
    def say(self, line: Mapping[str, Any]) -> None:
        """Nobody hears it."""


PARTS = Parts(adapter=Mutant)
