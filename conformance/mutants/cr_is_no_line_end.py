"""CRLF and LF end a line, a CR alone does not."""

from __future__ import annotations

import re
from dataclasses import replace

from conformance.reference import client


class Mutant(client.EventStream):
    LINE_END = re.compile("\r\n|\n")


PARTS = replace(client.Parts(), events=Mutant)
