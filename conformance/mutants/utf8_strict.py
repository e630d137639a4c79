"""A byte that is not UTF-8 is an exception."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.EventStream):
    def decode(self, data: bytes) -> str:
        return data.decode("utf-8") if data.isascii() else self.decoder.decode(self.checked(data))

    def checked(self, data: bytes) -> bytes:
        if b"\xff" in data or b"\xc0" in data:
            raise client.Failure("parse", "not UTF-8")
        return data


PARTS = replace(client.Parts(), events=Mutant)
