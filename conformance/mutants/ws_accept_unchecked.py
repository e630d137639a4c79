"""A 101 is not asked for the proof that it answers this handshake."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.http1 import Response
from conformance.reference.websocket import WebSocket, proof


class Mutant(WebSocket):
    def check_upgrade(self, response: Response, nonce: str) -> None:
        response.headers["sec-websocket-accept"] = proof(nonce)
        super().check_upgrade(response, nonce)


PARTS = Parts(websocket=Mutant)
