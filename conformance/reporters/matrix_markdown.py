"""The matrix of clients as Markdown: levels first, then what has to be known of a client, then the cases that some do not survive."""

from __future__ import annotations

from conformance.matrix import Cell, Matrix
from conformance.reporters.markdown import SIGNS, plain
from conformance.reporters.page import SIGNS as VERDICTS
from conformance.reporters.printable import printable
from conformance.verdict import LEVELS, Verdict

UNREMARKABLE = (Verdict.PASS, Verdict.NOT_APPLICABLE, Verdict.INFO)


def render(matrix: Matrix) -> str:
    """Two tables; the second is left out when every client survives everything."""
    lines = ["## streamproof: clients side by side", "", _row(["client", "run on", *LEVELS]), _row(["---"] * (len(LEVELS) + 2))]
    lines += [
        _row([plain(client.label), client.date, *(f"{SIGNS[level.state]} {level.state}" for level in client.levels)])
        for client in matrix.clients
    ]
    lines += [line for client in matrix.clients if client.note for line in ("", f"{plain(client.label)}: {_note(client.note)}")]
    told = [row for row in matrix.rows if any(cell and cell.verdict not in UNREMARKABLE for cell in row.cells)]
    if told:
        labels = [plain(client.label) for client in matrix.clients]
        lines += ["", _row(["case", *labels]), _row(["---"] * (len(labels) + 1))]
        lines += [_row([f"`{row.id}` ({row.where})", *map(_cell, row.cells)]) for row in told]
    return "\n".join(lines) + "\n"


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _note(words: str) -> str:
    """A note may have its words in code spans."""
    return " ".join(printable(words).replace("<", "&lt;").splitlines())


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return ""
    broken = f": {', '.join(cell.broken)}" if cell.verdict not in UNREMARKABLE else ""
    return f"{VERDICTS[cell.verdict]} {cell.verdict}{broken}"
