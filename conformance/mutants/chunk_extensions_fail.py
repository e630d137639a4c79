"""A chunk extension is an error."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Response):
    def chunk_size(self) -> int:
        line = self.wire.line()
        try:
            return int(line, 16)
        except ValueError:
            raise client.Failure("parse", f"not a chunk size: {line[:40]!r}") from None


PARTS = replace(client.Parts(), response=Mutant)
