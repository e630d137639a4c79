"""Only LF ends a line."""

from __future__ import annotations

import re

from conformance.reference.client import Parts
from conformance.reference.event_stream import EventStream


class Mutant(EventStream):
    LINE_END = re.compile("\n")


PARTS = Parts(events=Mutant)
