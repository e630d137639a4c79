"""A text message need not be UTF-8."""

from __future__ import annotations

import codecs
from dataclasses import replace

from conformance.reference import client


class Mutant(client.WebSocket):
    def check_text(self, decoder: codecs.IncrementalDecoder, payload: bytes, final: bool) -> None:
        """Anything goes."""


PARTS = replace(client.Parts(), websocket=Mutant)
