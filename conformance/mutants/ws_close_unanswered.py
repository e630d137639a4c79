"""A close frame is not answered."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.failure import Failure
from conformance.reference.websocket import WebSocket


class Mutant(WebSocket):
    def closed(self, payload: bytes) -> None:
        code = self.check_close(payload)
        self.parting = True
        self.wire.close()
        raise Failure("closed", f"closed with {code}", code=code)


PARTS = Parts(websocket=Mutant)
