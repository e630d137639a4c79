"""`python -m conformance.mutants NAME` is a mutant's adapter.

`… table [NAME…]` writes the rows of some mutants, or of all; `… cases ID…` what every mutant fails of those cases.
"""

from __future__ import annotations

import importlib
import sys


def main(asked: str, names: list[str]) -> None:
    if asked in ("table", "cases", "row"):
        import asyncio
        import json

        from conformance.mutants import _killing

        if asked == "row":
            sys.stdout.write(json.dumps(asyncio.run(_killing.row(names[0], names[1:]))._asdict()))
        elif asked == "cases":
            asyncio.run(_killing.write(_killing.mutants(), names))
        else:
            asyncio.run(_killing.write(names or _killing.mutants()))
    else:
        from conformance.reference import client

        client.main(importlib.import_module(f"conformance.mutants.{asked}").PARTS)


main(sys.argv[1], sys.argv[2:])
