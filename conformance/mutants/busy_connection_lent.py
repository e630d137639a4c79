"""A connection with an unfinished answer is lent out again."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Client):
    def release(self, response: client.Response, over: bool) -> None:
        response.wire.answers += 1
        self.give_back(response.wire.place, response.wire)

    def stale(self, wire: client.Wire) -> bool:
        return False


PARTS = replace(client.Parts(), client=Mutant)
