"""The status is not looked at."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Client):
    def accept(self, response: client.Response, run: client.Run) -> None:
        """Whatever it is."""


PARTS = replace(client.Parts(), client=Mutant)
