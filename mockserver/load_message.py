"""A load as bytes, so that one process can tell another what it saw."""

from __future__ import annotations

from collections import Counter
from typing import Any

from mockserver.load import Ending, Load


def encoded(load: Load) -> bytes:
    import msgspec

    return msgspec.msgpack.encode(load)


def decoded(data: bytes) -> Load:
    """Raises msgspec.MsgspecError for what is no load."""
    import msgspec

    return msgspec.msgpack.decode(data, type=Load, dec_hook=_counter)


def _counter(kind: Any, counts: dict[Any, int]) -> Counter[Any]:
    """Of endings, which came as plain tuples, or of names."""
    return Counter({Ending(*key) if isinstance(key, tuple) else key: count for key, count in counts.items()})
