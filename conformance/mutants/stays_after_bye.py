"""The process does not leave when it is told."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from conformance.reference.adapter import Adapter
from conformance.reference.client import Parts


class Mutant(Adapter):
    def serve(self, lines: Iterable[bytes], environment: Mapping[str, str]) -> None:
        super().serve(lines, environment)
        time.sleep(60)


PARTS = Parts(adapter=Mutant)
