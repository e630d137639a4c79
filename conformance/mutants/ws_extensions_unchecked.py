"""An extension that a 101 names is taken for agreed on."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.http1 import Response
from conformance.reference.websocket import WebSocket


class Mutant(WebSocket):
    def check_upgrade(self, response: Response, nonce: str) -> None:
        response.headers.pop("sec-websocket-extensions", None)
        super().check_upgrade(response, nonce)


PARTS = Parts(websocket=Mutant)
