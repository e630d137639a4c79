"""What comes while the caller pauses is dropped."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Adapter):
    def pause(self, run: client.Run, answer: client.Answer, limits: client.Limits) -> None:
        super().pause(run, answer, limits)
        while answer.channel is not None and answer.channel.wire.arrived():
            answer.channel.frame()


PARTS = replace(client.Parts(), adapter=Mutant)
