"""CRLF and LF end a line, a CR alone does not."""

from __future__ import annotations

import re

from conformance.reference.client import Parts
from conformance.reference.event_stream import EventStream


class Mutant(EventStream):
    LINE_END = re.compile("\r\n|\n")


PARTS = Parts(events=Mutant)
