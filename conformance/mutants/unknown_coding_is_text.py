"""A body in a coding that is not known is shown to the caller as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator

from conformance.reference.client import Parts
from conformance.reference.failure import Failure
from conformance.reference.http1 import Response


class Mutant(Response):
    def content(self) -> Iterator[bytes]:
        try:
            return super().content()
        except Failure:
            return shown(self.body)


def shown(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Each piece as if it were the model's words."""
    for piece in pieces:
        words = {"choices": [{"index": 0, "delta": {"content": piece.decode("latin-1")}}]}
        yield f"data: {json.dumps(words)}\n\n".encode()


PARTS = Parts(response=Mutant)
