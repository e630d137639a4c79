"""A content type with parameters is refused."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Response):
    def media_type(self) -> str:
        return self.headers.get("content-type", "")


PARTS = replace(client.Parts(), response=Mutant)
