"""A close frame is not answered."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.WebSocket):
    def closed(self, payload: bytes) -> None:
        code = self.check_close(payload)
        self.parting = True
        self.wire.close()
        raise client.Failure("closed", f"closed with {code}", code=code)


PARTS = replace(client.Parts(), websocket=Mutant)
