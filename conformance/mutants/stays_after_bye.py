"""The process does not leave when it is told."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace

from conformance.reference import client


class Mutant(client.Adapter):
    def serve(self, lines: Iterable[bytes], environment: Mapping[str, str]) -> None:
        super().serve(lines, environment)
        time.sleep(60)


PARTS = replace(client.Parts(), adapter=Mutant)
