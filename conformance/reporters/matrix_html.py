"""The matrix of clients as one self-contained page."""

from __future__ import annotations

from conformance.matrix import Matrix
from conformance.reporters import page
from conformance.verdict import LEVELS, Verdict


def render(matrix: Matrix) -> str:
    """Levels by client, then every case by client, with a filter."""
    met = {cell.verdict for row in matrix.rows for cell in row.cells if cell}
    return page.fill("matrix.html.j2", matrix=matrix, levels=LEVELS, verdicts=[verdict for verdict in Verdict if verdict in met])
