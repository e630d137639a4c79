"""The redirect of a handshake is followed wherever it leads, key and all."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from conformance.reference.client import Parts
from conformance.reference.http1 import Response
from conformance.reference.websocket import WebSocket
from conformance.reference.wire import Place, Wire


class Mutant(WebSocket):
    def handshake(self, url: SplitResult, key: str, response_on: type[Response]) -> Response:
        response = super().handshake(url, key, response_on)
        if "location" not in response.headers:
            return response
        self.wire.close()
        target = urlsplit(response.headers["location"])
        self.wire = Wire(Place.of(target, self.wire.place.ca_file), self.wire.limits)
        return super().handshake(target, key, response_on)


PARTS = Parts(websocket=Mutant)
