"""A text message need not be UTF-8."""

from __future__ import annotations

import codecs

from conformance.reference.client import Parts
from conformance.reference.websocket import WebSocket


class Mutant(WebSocket):
    def check_text(self, decoder: codecs.IncrementalDecoder, payload: bytes, final: bool) -> None:
        """Anything goes."""


PARTS = Parts(websocket=Mutant)
