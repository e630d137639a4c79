"""Every run leaves a thread behind."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from conformance.reference.adapter import Adapter
from conformance.reference.client import Parts


class Mutant(Adapter):
    def run(self, order: Mapping[str, Any]) -> None:
        super().run(order)
        threading.Thread(target=threading.Event().wait, daemon=True).start()


PARTS = Parts(adapter=Mutant)
