"""The two lanes of a case as a drawing to scale: the server above, the client below, time from left to right.

Everything here is numbers for a template; one unit is one pixel of a page that is not zoomed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from conformance.reporters.axis import Tick, steps
from conformance.reporters.timeline import happenings

Lane = Literal["server", "client"]

WIDTH = 1000.0
LEFT, RIGHT = 64.0, 16.0
LETTER = 6.1
"""Width of a letter of a label, about."""
LABEL_ROWS, LABEL_HEIGHT = 4, 14.0
LONGEST_LABEL = 34
BAR_ROWS, BAR_HEIGHT = 6, 10.0
AXIS_HEIGHT = 22.0
TICKS = 8


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing that happened. `label` is where its words stand; None where there was no room."""

    at_ms: float
    x: float
    lane: Lane
    text: str
    label: Label | None


@dataclass(frozen=True, slots=True)
class Label:
    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Bar:
    """Something that lasted: an answer on the server's side, a run on the client's."""

    x: float
    y: float
    width: float
    lane: Lane
    text: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """`axis` is where the lanes meet; a mark of the server goes up from it to `server_y`, one of the client down to `client_y`."""

    marks: tuple[Mark, ...]
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    axis: float
    server_y: float
    client_y: float
    height: float
    width: float = WIDTH
    left: float = LEFT
    bar_height: float = BAR_HEIGHT


def draw(transcript: Mapping[str, Any]) -> Drawing | None:
    """The drawing of a transcript; None when nothing happened."""
    happened = sorted(happenings(transcript), key=lambda item: item[0])
    if not happened:
        return None
    spans = list(_spans(transcript))
    most = max([at for at, _, _ in happened] + [end for _, _, end, _ in spans if end is not None])
    scale = (WIDTH - LEFT - RIGHT) / (most or 1.0)
    server_y = LABEL_ROWS * LABEL_HEIGHT + 6
    bars = {lane: list(_bars(lane, spans, scale, most)) for lane in ("server", "client")}
    deep = {lane: (max((row for row, _, _, _ in found), default=0) + 1) * (BAR_HEIGHT + 2) for lane, found in bars.items()}
    axis = server_y + deep["server"] + 4
    client_y = axis + AXIS_HEIGHT + deep["client"] + 4
    return Drawing(
        marks=(
            *_marks(
                "server",
                ((at, text) for at, text, _ in happened if text),
                scale,
                [server_y - 4 - row * LABEL_HEIGHT for row in range(LABEL_ROWS)],
            ),
            *_marks(
                "client",
                ((at, text) for at, _, text in happened if text),
                scale,
                [client_y + 11 + row * LABEL_HEIGHT for row in range(LABEL_ROWS)],
            ),
        ),
        bars=(
            *(Bar(x, axis - 4 - (row + 1) * (BAR_HEIGHT + 2), width, "server", text) for row, x, width, text in bars["server"]),
            *(Bar(x, axis + AXIS_HEIGHT + 2 + row * (BAR_HEIGHT + 2), width, "client", text) for row, x, width, text in bars["client"]),
        ),
        ticks=tuple(Tick(LEFT + at * scale, _time(at)) for at in steps(most or 1.0, TICKS)),
        axis=axis,
        server_y=server_y,
        client_y=client_y,
        height=client_y + LABEL_ROWS * LABEL_HEIGHT + 6,
    )


def _spans(transcript: Mapping[str, Any]) -> Iterator[tuple[Lane, float, float | None, str]]:
    """What lasted, in milliseconds on the drawing's clock; an end of None is not in sight."""
    server = transcript["server"]
    accepted = [connection["accepted_at"] for connection in server["connections"]]
    start = min(accepted + [request["received_at"] for request in server["requests"]], default=transcript["began_at"])
    for request in server["requests"]:
        ended = request["ended_at"]
        end = None if ended is None else (ended - start) * 1000
        yield "server", (request["received_at"] - start) * 1000, end, f"request {request['request']}, status {request['status']}"
    offset = (transcript["began_at"] - start) * 1000
    for run in transcript["runs"]:
        began = offset + run["started_ms"]
        yield "client", began, None if run["result_ms"] is None else began + run["result_ms"], f"run {run['run']}: {run['outcome']}"


def _bars(
    lane: Lane, spans: Iterable[tuple[Lane, float, float | None, str]], scale: float, most: float
) -> Iterator[tuple[int, float, float, str]]:
    """Row, x, width and words of each bar; bars that overlap get rows of their own, as far as there are rows."""
    ends = [-math.inf] * BAR_ROWS
    for _, start, end, text in sorted((span for span in spans if span[0] == lane), key=lambda span: span[1]):
        start, end = max(start, 0.0), most if end is None else end
        row = next((row for row in range(BAR_ROWS) if ends[row] <= start), BAR_ROWS - 1)
        ends[row] = end
        yield row, LEFT + start * scale, max((end - start) * scale, 1.0), text


def _marks(lane: Lane, happened: Iterable[tuple[float, str]], scale: float, rows: list[float]) -> Iterator[Mark]:
    """Every happening; its words go into the first row that has room for them, else they are only in the list below."""
    free = [0.0] * len(rows)
    for at, text in happened:
        x = LEFT + max(at, 0.0) * scale
        words = text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…"
        long = len(words) * LETTER
        begins = max(min(x + 3, WIDTH - long), 0.0)
        row = next((row for row, taken in enumerate(free) if taken <= begins), None)
        label = None
        if row is not None:
            free[row] = begins + long + LETTER
            label = Label(begins, rows[row], words)
        yield Mark(at, x, lane, text, label)


def _time(ms: float) -> str:
    return f"{ms / 1000:g} s" if ms >= 1000 else f"{ms:g} ms"
