"""Silence is waited out for ever."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Limits):
    def silence(self) -> float:
        return self.left()


PARTS = replace(client.Parts(), limits=Mutant)
