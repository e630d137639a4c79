"""Whatever Python calls a line end ends a line, U+2028 and U+0085 too."""

from __future__ import annotations

import re

from conformance.reference.client import Parts
from conformance.reference.event_stream import EventStream


class Mutant(EventStream):
    LINE_END = re.compile("\r\n|\r|\n|\u2028|\u2029|\x85|\x0b|\x0c")


PARTS = Parts(events=Mutant)
