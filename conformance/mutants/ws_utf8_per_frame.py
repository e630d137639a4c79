"""A character cut between two fragments is an error."""

from __future__ import annotations

import codecs

from conformance.reference.client import Parts
from conformance.reference.websocket import WebSocket


class Mutant(WebSocket):
    def check_text(self, decoder: codecs.IncrementalDecoder, payload: bytes, final: bool) -> None:
        super().check_text(decoder, payload, True)


PARTS = Parts(websocket=Mutant)
