"""The process leaves with the exit code 1."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

from conformance.reference.adapter import Adapter
from conformance.reference.client import Parts


class Mutant(Adapter):
    def serve(self, lines: Iterable[bytes], environment: Mapping[str, str]) -> None:
        super().serve(lines, environment)
        sys.exit(1)


PARTS = Parts(adapter=Mutant)
