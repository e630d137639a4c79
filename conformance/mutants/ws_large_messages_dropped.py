"""A message of more than a mebibyte is left out in silence."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.reference.client import Parts
from conformance.reference.websocket import WebSocket


class Mutant(WebSocket):
    def messages(self) -> Iterator[bytes]:
        return (message for message in super().messages() if len(message) <= 1024 * 1024)


PARTS = Parts(websocket=Mutant)
