"""The random numbers of an answer: they follow from what the request asks for, and from nothing else."""

from __future__ import annotations

import json
from hashlib import blake2b
from random import Random

from mockserver.answers import Request

_DECIDING = ("messages", "tools", "tool_choice", "functions", "function_call", "response_format")
"""The parts of a request that decide on the text, besides its seed, its model and the choice's index. `stop` and the limits
cut the text that would have been said without them."""


def fingerprint(request: Request, seed: int) -> bytes:
    """16 bytes that are the same for the same question, in any process and any order of keys. The request's own seed wins."""
    asked = {key: request.body[key] for key in _DECIDING if request.body.get(key) is not None}
    asked |= {"seed": seed if request.seed is None else request.seed, "model": request.model}
    canonical = json.dumps(asked, sort_keys=True, separators=(",", ":")).encode()
    return blake2b(canonical, digest_size=16).digest()


def numbers(fingerprint: bytes, purpose: str, index: int = 0) -> Random:
    """The generator for one purpose and one choice. One purpose never takes numbers from another."""
    digest = blake2b(purpose.encode() + index.to_bytes(4, "big"), key=fingerprint, digest_size=8).digest()
    return Random(int.from_bytes(digest, "big"))
