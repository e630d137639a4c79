"""What comes while the caller pauses is dropped."""

from __future__ import annotations

from conformance.reference.adapter import Adapter
from conformance.reference.answer import Answer
from conformance.reference.client import Parts
from conformance.reference.limits import Limits
from conformance.reference.run import Run


class Mutant(Adapter):
    def pause(self, run: Run, answer: Answer, limits: Limits) -> None:
        super().pause(run, answer, limits)
        while answer.channel is not None and answer.channel.wire.arrived():
            answer.channel.frame()


PARTS = Parts(adapter=Mutant)
