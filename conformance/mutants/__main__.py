"""`python -m conformance.mutants NAME` is a mutant's adapter; `… table [NAME…]` writes the table of what each fails."""

from __future__ import annotations

import importlib
import sys


def main(asked: str, names: list[str]) -> None:
    if asked in ("table", "row"):
        import asyncio

        from conformance.mutants import _killing

        if asked == "row":
            sys.stdout.write(_killing.row(names[0]))
        else:
            asyncio.run(_killing.write(names or _killing.mutants()))
    else:
        from conformance.reference import client

        client.main(importlib.import_module(f"conformance.mutants.{asked}").PARTS)


main(sys.argv[1], sys.argv[2:])
