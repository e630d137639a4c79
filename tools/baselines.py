"""The baselines in conformance/baselines, from the reports that `make matrix` keeps: each MUST that a client fails, a line each.

    tools/baselines.py          of every client and gateway of which a report is kept
    tools/baselines.py NAME…    of these

A line that still fails keeps its reason, one that holds is dropped, and what has no reason in plain words yet is printed, to be given one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from conformance import baseline
from conformance.matrix import results_of
from conformance.verdict import Verdict
from tools import matrix


def renewed(report: Mapping[str, Any], known: Sequence[baseline.Known]) -> tuple[str, tuple[str, ...]]:
    """The text of a baseline, and those of its lines that have no reason yet. Without a failure there is no text."""
    client, results = report["client"], baseline.apply(known, results_of(report))
    failing = baseline.failing(results, ("MUST",))
    heading = f"{client['name']} {client['version']}: MUSTs that are known to fail, seen on {report['made_at'][:10]}. case/check, then why."
    bare = (f"{pattern}  {baseline.reason(check)}" for pattern, check in failing.items() if check.verdict is not Verdict.KNOWN_FAIL)
    return (baseline.written(results, heading, ("MUST",)) if failing else ""), tuple(bare)


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Write the baselines of clients from the reports of the matrix.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only of these")
    names = parser.parse_args(words).names
    for name, report in matrix.reports():
        if names and name not in names:
            continue
        text, bare = renewed(report, matrix.known(name))
        path = matrix.BASELINES / f"{name}.txt"
        if text:
            path.write_text(text, encoding="utf-8")
        else:
            path.unlink(missing_ok=True)
        for line in bare:
            print(f"{path.name}: {line}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
