"""A line of more than 64 KB is an error."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.EventStream):
    MOST = 65536


PARTS = replace(client.Parts(), events=Mutant)
