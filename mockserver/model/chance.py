"""The random numbers of an answer: they follow from what the request asks for, and from nothing else."""

from __future__ import annotations

import json
from functools import cached_property
from hashlib import blake2b
from random import Random

from mockserver.answers import Request

_DECIDING = ("messages", "tools", "tool_choice", "functions", "function_call", "response_format")
"""The parts of a request that decide on the text, besides its seed, its model and the choice's index. `stop` and the limits
cut the text that would have been said without them."""


class Chance:
    """The numbers of the answer to one request. The request's own seed wins. It is looked at when a number is first wanted:
    what needs none does not depend on what was asked."""

    def __init__(self, request: Request, seed: int) -> None:
        self._request = request
        self._seed = seed

    @cached_property
    def _fingerprint(self) -> bytes:
        """16 bytes that are the same for the same question, in any process and any order of keys."""
        request = self._request
        asked = {key: request.body[key] for key in _DECIDING if request.body.get(key) is not None}
        asked |= {"seed": self._seed if request.seed is None else request.seed, "model": request.model}
        canonical = json.dumps(asked, sort_keys=True, separators=(",", ":")).encode()
        return blake2b(canonical, digest_size=16).digest()

    def numbers(self, purpose: str, index: int = 0) -> Random:
        """The generator for one purpose and one choice. One purpose never takes numbers from another."""
        digest = blake2b(purpose.encode() + index.to_bytes(4, "big"), key=self._fingerprint, digest_size=8).digest()
        return Random(int.from_bytes(digest, "big"))


def backend(model: str) -> str:
    """The `system_fingerprint` of a model: "the backend configuration that the model runs with" (API reference), whatever is asked."""
    return f"fp_{blake2b(model.encode('utf-8', 'surrogatepass'), digest_size=5).hexdigest()}"
