"""The writes of one answer. A stream may make thousands, and ten thousand streams may be open, so they are kept as numbers side
by side: an object each would cost ten times the memory, and the garbage collector would stop every stream to look at them."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload


@dataclass(frozen=True, slots=True)
class Written:
    """One write: when it was due and when it was made, its size, the events it completed and the last one's mark."""

    due: float
    at: float
    bytes: int
    messages: int = 0
    mark: str | None = None


FIGURES = 4
"""due, at, bytes, messages"""


class Writes(Sequence[Written]):
    """Writes in their order."""

    __slots__ = ("_figures", "_marks")

    def __init__(self) -> None:
        self._figures = array("d")
        self._marks: list[str | None] = []

    def add(self, due: float, at: float, size: int, messages: int, mark: str | None) -> None:
        self._figures.extend((due, at, size, messages))
        self._marks.append(mark)

    def keep(self, count: int) -> int:
        """Forget all but the first `count` - 1 and the last; how many those were."""
        forgotten = len(self) - count
        if forgotten <= 0:
            return 0
        del self._figures[FIGURES * (count - 1) : -FIGURES]
        del self._marks[count - 1 : -1]
        return forgotten

    @property
    def due(self) -> Sequence[float]:
        return self._figures[::FIGURES]

    @property
    def at(self) -> Sequence[float]:
        return self._figures[1::FIGURES]

    @property
    def marks(self) -> Sequence[str | None]:
        return self._marks

    def __len__(self) -> int:
        return len(self._marks)

    @overload
    def __getitem__(self, index: int) -> Written: ...

    @overload
    def __getitem__(self, index: slice) -> list[Written]: ...

    def __getitem__(self, index: int | slice) -> Written | list[Written]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        mark = self._marks[index]
        start = FIGURES * (index % len(self))
        due, at, size, messages = self._figures[start : start + FIGURES]
        return Written(due, at, int(size), int(messages), mark)
