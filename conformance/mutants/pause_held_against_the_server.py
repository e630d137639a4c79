"""The caller's own pause counts as the server's silence."""

from __future__ import annotations

from conformance.reference.adapter import Adapter
from conformance.reference.answer import Answer
from conformance.reference.client import Parts
from conformance.reference.failure import Failure
from conformance.reference.limits import Limits
from conformance.reference.run import Run


class Mutant(Adapter):
    def pause(self, run: Run, answer: Answer, limits: Limits) -> None:
        super().pause(run, answer, limits)
        if run.paused > run.idle:
            raise Failure("timeout", f"no data for {run.idle:g} s")


PARTS = Parts(adapter=Mutant)
