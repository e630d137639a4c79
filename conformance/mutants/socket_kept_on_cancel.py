"""A cancelled run leaves its connection open."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client

KEPT: list[client.Wire] = []
"""So that no garbage collector closes them."""


class Mutant(client.Client):
    def release(self, response: client.Response, over: bool) -> None:
        if over or response.whole:
            super().release(response, over)
        else:
            KEPT.append(response.wire)


PARTS = replace(client.Parts(), client=Mutant)
