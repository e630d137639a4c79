"""A subprotocol that a 101 chooses is not looked at."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.http1 import Response
from conformance.reference.websocket import WebSocket


class Mutant(WebSocket):
    def check_upgrade(self, response: Response, nonce: str) -> None:
        response.headers.pop("sec-websocket-protocol", None)
        super().check_upgrade(response, nonce)


PARTS = Parts(websocket=Mutant)
