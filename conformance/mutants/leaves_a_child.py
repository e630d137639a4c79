"""A process is left behind."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import replace

from conformance.reference import client


class Mutant(client.Adapter):
    def serve(self, lines: Iterable[bytes], environment: Mapping[str, str]) -> None:
        subprocess.Popen(["sleep", "60"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        super().serve(lines, environment)


PARTS = replace(client.Parts(), adapter=Mutant)
