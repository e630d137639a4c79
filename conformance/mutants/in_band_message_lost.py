"""An in-band error's message is not told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.reference.answer import Answer
from conformance.reference.client import Parts
from conformance.reference.failure import Failure


class Mutant(Answer):
    def check(self, body: Mapping[str, Any], name: str) -> None:
        try:
            super().check(body, name)
        except Failure as failure:
            failure.message = "the stream failed"
            raise


PARTS = Parts(answer=Mutant)
