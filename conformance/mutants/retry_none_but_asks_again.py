"""A client that declares no retries asks again behind its result."""

from __future__ import annotations

from conformance.mutants import request_after_result, retry_none_but_retries
from conformance.reference.client import Parts


class Mutant(request_after_result.Mutant):
    HELLO = retry_none_but_retries.Mutant.HELLO


PARTS = Parts(adapter=Mutant)
