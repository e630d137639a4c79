"""A line for a shell that shows what a base URL says."""

from __future__ import annotations

import json
import shlex
from typing import Any


def hello(*, stream: bool = True) -> dict[str, Any]:
    """A small request."""
    return {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hello"}], **({"stream": True} if stream else {})}


def curl(base_url: str, body: dict[str, Any], *options: str, key: str = "any") -> str:
    """`options` are curl's own."""
    words = ("curl", "-iN", *options, f"{base_url}/chat/completions")
    fields = ("-H", f"authorization: Bearer {key}", "-H", "content-type: application/json")
    return shlex.join((*words, *fields, "-d", json.dumps(body)))
