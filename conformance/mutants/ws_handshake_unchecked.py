"""Any answer to the handshake is taken for a 101."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import SplitResult

from conformance.reference import client


class Mutant(client.WebSocket):
    def check_upgrade(self, response: client.Response, nonce: str) -> None:
        """Anything goes."""

    def handshake(self, url: SplitResult, key: str, response_on: type[client.Response]) -> client.Response:
        response = super().handshake(url, key, response_on)
        response.status = 101
        return response


PARTS = replace(client.Parts(), websocket=Mutant)
