"""A client that declares no retries and does retry."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Adapter):
    HELLO = {**client.Adapter.HELLO, "retry": "none"}  # noqa: RUF012  # declared as it is in the class it stands for


PARTS = replace(client.Parts(), adapter=Mutant)
