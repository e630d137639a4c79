"""A connection that is given up in its WebSocket handshake is not closed."""

from __future__ import annotations

import socket
from urllib.parse import SplitResult

from conformance.reference.client import Parts
from conformance.reference.http1 import Response
from conformance.reference.websocket import WebSocket

KEPT: list[socket.socket] = []
"""So that no garbage collector closes them."""


class Mutant(WebSocket):
    def handshake(self, url: SplitResult, key: str, response_on: type[Response]) -> Response:
        KEPT.append(self.wire.socket.dup())
        response = super().handshake(url, key, response_on)
        KEPT.pop().close()
        return response


PARTS = Parts(websocket=Mutant)
