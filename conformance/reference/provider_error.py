"""The error that a JSON body speaks of: an HTTP error's, or one said in-band."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from conformance.reference.failure import Failure
from conformance.reference.lenient import mapping


def error_in(body: Any, name: str = "message") -> Failure | None:
    """The error a JSON body speaks of, in any provider's shape; None if it speaks of none."""
    if not isinstance(body, dict):
        return None
    said = body.get("error") or mapping(body.get("x_groq")).get("error")
    empty = "choices" not in body and body.get("error") == {}
    flat = name == "error" or body.get("object") == "error" or body.get("type") == "error"
    bare = "choices" not in body and ("detail" in body or isinstance(body.get("message"), str))
    if not (said or empty or flat or bare):
        return None
    inner = mapping(said)
    told = (body.get("status"), inner.get("status"), inner.get("code"), body.get("code"))
    return Failure("api", message_of(said, body), status=next(filter(None, map(status_of, told)), None))


def message_of(said: Any, body: Mapping[str, Any]) -> str:
    inner = mapping(said)
    detail = body.get("detail")
    if isinstance(detail, list):
        detail = "; ".join(str(part.get("msg", part)) if isinstance(part, dict) else str(part) for part in detail)
    text = said if isinstance(said, str) else inner.get("message")
    found = text or body.get("message") or detail or inner.get("code") or inner.get("type")
    return str(found) if found else json.dumps(body)[:500]


def status_of(value: Any) -> int | None:
    """An HTTP error status said as a number or in digits."""
    text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    return int(text) if re.fullmatch(r"[45]\d\d", text) else None
