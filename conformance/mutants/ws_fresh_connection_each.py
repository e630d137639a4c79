"""No WebSocket is used twice."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Client):
    def give_back(self, key: object, connection: client.Wire | client.WebSocket) -> None:
        self.drop(connection)


PARTS = replace(client.Parts(), client=Mutant)
