"""The writes of one answer. A stream may make thousands, and ten thousand streams may be open, so they are kept as numbers in one row
behind the other: an object each would cost ten times the memory, the garbage collector would stop every stream to look at them, and
to note one is half of what a token costs beside its `send`."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple, get_args, overload

from mockserver.events import Mark


@dataclass(frozen=True, slots=True)
class Written:
    """One write: when it was due and when it was made, its size, the events it completed and the last one's mark."""

    due: float
    at: float
    bytes: int
    messages: int = 0
    mark: Mark | None = None


MAX_WRITES = 2000
"""So many writes of an answer are kept: the first ones and the last."""
FIGURES = 6
DUE, AT, BYTES, MESSAGES, MARK, REACHED = range(FIGURES)
"""Where each figure of a write stands: `MARK` is a place among MARKS, `REACHED` how many bytes its connection had been given with it."""
PACK = Struct(f"{FIGURES}d").pack
MARKS: tuple[Mark | None, ...] = (None, *get_args(Mark))
NUMBERS = {mark: number for number, mark in enumerate(MARKS)}


class Forgotten(NamedTuple):
    """How many writes are not kept any more, what was in them, and the places of the kept ones that came right behind them."""

    writes: int = 0
    bytes: int = 0
    messages: int = 0
    places: tuple[int, ...] = ()


ALL_KEPT = Forgotten()


class Writes(Sequence[Written]):
    """Writes in their order. What is known of all of them is worked out when somebody asks: a write is noted far more often."""

    __slots__ = ("_figures", "forgotten")

    def __init__(self) -> None:
        self._figures = array("d")
        self.forgotten = ALL_KEPT

    def add(self, due: float, at: float, size: int, messages: int, mark: Mark | None, reached: int = 0) -> None:
        """Note one; `reached`: how many bytes its connection has been given with it."""
        figures = self._figures
        figures.frombytes(PACK(due, at, size, messages, NUMBERS[mark], reached))
        if len(figures) > FIGURES * MAX_WRITES:
            self.keep(MAX_WRITES)

    def keep(self, count: int) -> None:
        """Forget all but the first `count` - 1 and the last."""
        if len(self._figures) <= FIGURES * count:
            return
        gone = self._figures[FIGURES * (count - 1) : -FIGURES]
        writes, size, messages, places = self.forgotten
        self.forgotten = Forgotten(
            writes + len(gone) // FIGURES,
            size + _sum(gone, BYTES),
            messages + _sum(gone, MESSAGES),
            (*(place for place in places if place < count - 1), count - 1),
        )
        del self._figures[FIGURES * (count - 1) : -FIGURES]

    def since(self, when: float) -> Writes:
        """Those that were made then or later. Forgotten ones count as long as they may have been."""
        first = self.first_at
        if first is None or first >= when:
            return self
        start = bisect_left(self.at, when)
        later = Writes()
        later._figures = self._figures[FIGURES * start :]
        places = tuple(place - start for place in self.forgotten.places if place >= start)
        later.forgotten = self.forgotten._replace(places=places) if places else ALL_KEPT
        return later

    @property
    def bytes(self) -> int:
        """Of all writes, also those that are forgotten; as `messages`."""
        return self.forgotten.bytes + _sum(self._figures, BYTES)

    @property
    def messages(self) -> int:
        return self.forgotten.messages + _sum(self._figures, MESSAGES)

    @property
    def first_at(self) -> float | None:
        """When the first one was made, None before it."""
        return self._figures[AT] if self._figures else None

    @property
    def last_at(self) -> float | None:
        return self._figures[AT - FIGURES] if self._figures else None

    @property
    def reached(self) -> int:
        """How many bytes the connection had been given with the last one."""
        return int(self._figures[REACHED - FIGURES]) if self._figures else 0

    @property
    def due(self) -> Sequence[float]:
        return self._figures[DUE::FIGURES]

    @property
    def at(self) -> Sequence[float]:
        return self._figures[AT::FIGURES]

    @property
    def marks(self) -> Sequence[Mark | None]:
        return [MARKS[int(number)] for number in self._figures[MARK::FIGURES]]

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
        due, at, size, messages, mark, _ = self._figures[start : start + FIGURES]
        return Written(due, at, int(size), int(messages), MARKS[int(mark)])


def _sum(figures: array[float], figure: int) -> int:
    return int(sum(figures[figure::FIGURES]))
