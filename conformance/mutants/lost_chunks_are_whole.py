"""A chunked body without its last chunk is whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.reference import client


class Mutant(client.Response):
    def chunks(self) -> Iterator[bytes]:
        try:
            yield from super().chunks()
        except client.Failure:
            return


PARTS = replace(client.Parts(), response=Mutant)
