"""Derive the matrix's summary in `README.md` from `docs/matrix/matrix.json`: how many clients pass each level, and what most of them fail.

python tools/derive_matrix_summary.py            write it
python tools/derive_matrix_summary.py --check    exit 1 if the committed summary differs from what would be written
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, get_args

from conformance.levels import State
from conformance.pytest_plugin import LEVELS
from conformance.verdict import Verdict
from tools import derived_files

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "README.md"
MATRIX = ROOT / "docs/matrix/matrix.json"

COUNTED = ("L1", "L2", "L3", "L4")
"""L0 says nothing of a client, and L5 is information."""
STATES = get_args(State)
MOST = 5
"""Cases that are named."""


def page() -> str:
    """The README with the summary of the matrix as it lies there."""
    return derived_files.with_block(PAGE, "the matrix in short", summary(json.loads(MATRIX.read_text(encoding="utf-8"))))


def summary(matrix: Mapping[str, Any]) -> Iterator[str]:
    """The lines."""
    clients, cases = matrix["clients"], matrix["cases"]
    perfect = sum(all(client["levels"][level] == "passed" for level in COUNTED) for client in clients)
    counts = {level: Counter(client["levels"][level] for client in clients) for level in COUNTED}
    day = max(client["date"] for client in clients)
    yield f"{len(clients)} clients and gateways were judged by {len({case['id'] for case in cases})} cases, the last on {day}."
    yield f"{perfect or 'None'} of them pass{'es' if perfect == 1 else ''} every level."
    yield from ("", f"| level | {' | '.join(STATES)} |", f"|---|{'---|' * len(STATES)}")
    for level in COUNTED:
        yield f"| {level}: {LEVELS[level]} | {' | '.join(str(counts[level][state]) for state in STATES)} |"
    yield ""
    yield "`blocked`: nothing fails, but a MUST could not be asked; `not run`: no case of the level is asked of it, as L3 of a gateway."
    yield from ("What most of them fail, one case of each kind:", "")
    for case in common(cases):
        yield f"- {case}"


def common(cases: list[Mapping[str, Any]]) -> Iterator[str]:
    """The cases that most clients fail, whatever the transport and framing; of a kind, as `L2.truncation`, only the first."""
    judged: dict[str, set[int]] = {}
    failed: dict[str, set[int]] = {}
    for case in cases:
        for number, cell in enumerate(case["verdicts"]):
            if cell is not None and cell["verdict"] != Verdict.NOT_APPLICABLE:
                judged.setdefault(case["id"], set()).add(number)
                if cell["verdict"] == Verdict.FAIL:
                    failed.setdefault(case["id"], set()).add(number)
    titles = {case["id"]: case["title"] for case in cases}
    worst: dict[str, str] = {}
    for id in sorted(failed, key=lambda id: (-len(failed[id]), id)):
        worst.setdefault(id.rpartition(".")[0], id)
    for id in islice(worst.values(), MOST):
        yield f"`{id}`: {len(failed[id])} of {len(judged[id])}. {titles[id]}"


if __name__ == "__main__":
    sys.exit(derived_files.main(lambda: {PAGE: page()}, "Derive the summary of the matrix in README.md."))
