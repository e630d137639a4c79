"""Where the body stays open behind [DONE], so does the connection."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client

KEPT: list[client.Wire] = []
"""So that no garbage collector closes them."""


class Mutant(client.Client):
    def release(self, response: client.Response, over: bool) -> None:
        if over and not response.whole:
            KEPT.append(response.wire)
        else:
            super().release(response, over)


PARTS = replace(client.Parts(), client=Mutant)
