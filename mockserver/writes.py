"""The writes of one answer. A stream may make thousands, and ten thousand streams may be open, so they are kept as numbers in one row
behind the other: an object each would cost ten times the memory, the garbage collector would stop every stream to look at them, and
to note one is half of what a token costs beside its `send`."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct
from typing import get_args, overload

from mockserver.events import Mark


@dataclass(frozen=True, slots=True)
class Written:
    """One write: when it was due and when it was made, its size, the events it completed and the last one's mark."""

    due: float
    at: float
    bytes: int
    messages: int = 0
    mark: Mark | None = None


FIGURES = 5
"""due, at, bytes, messages, and the mark's place among MARKS"""
PACK = Struct(f"{FIGURES}d").pack
MARKS: tuple[Mark | None, ...] = (None, *get_args(Mark))
NUMBERS = {mark: number for number, mark in enumerate(MARKS)}


class Writes(Sequence[Written]):
    """Writes in their order."""

    __slots__ = ("_figures",)

    def __init__(self) -> None:
        self._figures = array("d")

    def add(self, due: float, at: float, size: int, messages: int, mark: Mark | None) -> int:
        """Note one; how many there are."""
        self._figures.frombytes(PACK(due, at, size, messages, NUMBERS[mark]))
        return len(self._figures) // FIGURES

    def keep(self, count: int) -> int:
        """Forget all but the first `count` - 1 and the last; how many those were."""
        forgotten = len(self) - count
        if forgotten <= 0:
            return 0
        del self._figures[FIGURES * (count - 1) : -FIGURES]
        return forgotten

    @property
    def due(self) -> Sequence[float]:
        return self._figures[::FIGURES]

    @property
    def at(self) -> Sequence[float]:
        return self._figures[1::FIGURES]

    @property
    def marks(self) -> Sequence[Mark | None]:
        return [MARKS[int(number)] for number in self._figures[4::FIGURES]]

    def __len__(self) -> int:
        return len(self._figures) // FIGURES

    @overload
    def __getitem__(self, index: int) -> Written: ...

    @overload
    def __getitem__(self, index: slice) -> list[Written]: ...

    def __getitem__(self, index: int | slice) -> Written | list[Written]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        start = FIGURES * range(len(self))[index]
        due, at, size, messages, mark = self._figures[start : start + FIGURES]
        return Written(due, at, int(size), int(messages), MARKS[int(mark)])
