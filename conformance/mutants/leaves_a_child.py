"""A process is left behind."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping

from conformance.reference.adapter import Adapter
from conformance.reference.client import Parts


class Mutant(Adapter):
    def serve(self, lines: Iterable[bytes], environment: Mapping[str, str]) -> None:
        subprocess.Popen(["sleep", "60"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        super().serve(lines, environment)


PARTS = Parts(adapter=Mutant)
