"""A mapping that notes which of its keys were looked at: what is made from it depends on those and on nothing else of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class Noted(Mapping[str, Any]):
    """`mapping` as it is. `seen` are the keys that somebody asked for, whether or not they are there; whoever went through it
    has seen all that there are, which `whole` says."""

    def __init__(self, mapping: Mapping[str, Any]) -> None:
        self._mapping = mapping
        self.seen: set[str] = set()
        self.whole = False

    def __getitem__(self, key: str) -> Any:
        self.seen.add(key)
        return self._mapping[key]

    def get(self, key: str, default: Any = None) -> Any:
        """As `Mapping` has it, but without an exception for what is not there: most of what may be asked for is not."""
        self.seen.add(key)
        return self._mapping.get(key, default)

    def __iter__(self) -> Iterator[str]:
        self.whole = True
        return iter(self._mapping)

    def __len__(self) -> int:
        self.whole = True
        return len(self._mapping)
