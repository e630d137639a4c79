"""A connection goes back to the pool though the rest of a cancelled answer is still to come on it."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Client):
    def release(self, response: client.Response, over: bool) -> None:
        if over or response.whole:
            super().release(response, over)
        else:
            response.wire.buffer.clear()
            self.give_back(response.wire.place, response.wire)

    def stale(self, wire: client.Wire) -> bool:
        return False


PARTS = replace(client.Parts(), client=Mutant)
