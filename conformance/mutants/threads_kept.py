"""Every run leaves a thread behind."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from conformance.reference import client


class Mutant(client.Adapter):
    def run(self, order: Mapping[str, Any]) -> None:
        super().run(order)
        threading.Thread(target=threading.Event().wait, daemon=True).start()


PARTS = replace(client.Parts(), adapter=Mutant)
