"""A character cut between two fragments is an error."""

from __future__ import annotations

import codecs
from dataclasses import replace

from conformance.reference import client


class Mutant(client.WebSocket):
    def check_text(self, decoder: codecs.IncrementalDecoder, payload: bytes, final: bool) -> None:
        super().check_text(decoder, payload, True)


PARTS = replace(client.Parts(), websocket=Mutant)
