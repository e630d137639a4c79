"""A message of more than a mebibyte is left out in silence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.reference import client


class Mutant(client.WebSocket):
    def messages(self) -> Iterator[bytes]:
        return (message for message in super().messages() if len(message) <= 1024 * 1024)


PARTS = replace(client.Parts(), websocket=Mutant)
