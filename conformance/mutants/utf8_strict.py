"""A byte that is not UTF-8 is an exception."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.event_stream import EventStream
from conformance.reference.failure import Failure


class Mutant(EventStream):
    def decode(self, data: bytes) -> str:
        return data.decode("utf-8") if data.isascii() else self.decoder.decode(self.checked(data))

    def checked(self, data: bytes) -> bytes:
        if b"\xff" in data or b"\xc0" in data:
            raise Failure("parse", "not UTF-8")
        return data


PARTS = Parts(events=Mutant)
