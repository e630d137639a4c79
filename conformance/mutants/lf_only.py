"""Only LF ends a line."""

from __future__ import annotations

import re
from dataclasses import replace

from conformance.reference import client


class Mutant(client.EventStream):
    LINE_END = re.compile("\n")


PARTS = replace(client.Parts(), events=Mutant)
