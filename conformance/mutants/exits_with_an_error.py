"""The process leaves with the exit code 1."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace

from conformance.reference import client


class Mutant(client.Adapter):
    def serve(self, lines: Iterable[bytes], environment: Mapping[str, str]) -> None:
        super().serve(lines, environment)
        sys.exit(1)


PARTS = replace(client.Parts(), adapter=Mutant)
