"""Any answer to the handshake is taken for a 101."""

from __future__ import annotations

from urllib.parse import SplitResult

from conformance.reference.client import Parts
from conformance.reference.http1 import Response
from conformance.reference.websocket import WebSocket


class Mutant(WebSocket):
    def check_upgrade(self, response: Response, nonce: str) -> None:
        """Anything goes."""

    def handshake(self, url: SplitResult, key: str, response_on: type[Response]) -> Response:
        response = super().handshake(url, key, response_on)
        response.status = 101
        return response


PARTS = Parts(websocket=Mutant)
