"""The caller's own pause counts as the server's silence."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Adapter):
    def pause(self, run: client.Run, answer: client.Answer, limits: client.Limits) -> None:
        super().pause(run, answer, limits)
        if run.paused > run.idle:
            raise client.Failure("timeout", f"no data for {run.idle:g} s")


PARTS = replace(client.Parts(), adapter=Mutant)
