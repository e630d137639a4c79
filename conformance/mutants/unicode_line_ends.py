"""Whatever Python calls a line end ends a line, U+2028 and U+0085 too."""

from __future__ import annotations

import re
from dataclasses import replace

from conformance.reference import client


class Mutant(client.EventStream):
    LINE_END = re.compile("\r\n|\r|\n|\u2028|\u2029|\x85|\x0b|\x0c")


PARTS = replace(client.Parts(), events=Mutant)
