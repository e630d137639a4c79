"""A client that declares to restart after partial output and does not."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Adapter):
    HELLO = {**client.Adapter.HELLO, "retry": "restart"}  # noqa: RUF012  # declared as it is in the class it stands for


PARTS = replace(client.Parts(), adapter=Mutant)
