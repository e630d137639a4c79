"""JSON whose shape nobody vouches for: what is of the wanted kind, and nothing in place of the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def natural(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def mapping(value: Any) -> Mapping[str, Any]:
    """An object, or an empty one in place of whatever else was sent."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects in an array; none if it is no array."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
