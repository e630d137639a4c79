"""deflate is taken for what stands in no format, as its name says."""

from __future__ import annotations

import zlib

from conformance.mutants._deflate import OneFormat
from conformance.reference.client import Parts


class Mutant(OneFormat):
    window = -zlib.MAX_WBITS


PARTS = Parts(response=Mutant)
