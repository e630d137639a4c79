"""Runs wait for each other."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from conformance.reference import client


class Mutant(client.Adapter):
    def start(self, order: Mapping[str, Any]) -> threading.Thread:
        thread = super().start(order)
        thread.join()
        return thread


PARTS = replace(client.Parts(), adapter=Mutant)
