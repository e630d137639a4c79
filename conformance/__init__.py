"""The conformance kit: is your client streamproof?

from conformance import check

async def my_client(run, emit): ...

checked = await check(my_client, levels=["L1", "L2"])
assert checked.ok, str(checked)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["Checked", "check", "check_sync"]

if TYPE_CHECKING:
    from conformance.checked import Checked
    from conformance.library import check, check_sync
else:

    def __getattr__(name: str) -> object:
        """The public names, imported when they are used."""
        import importlib

        homes = {"check": "library", "check_sync": "library", "Checked": "checked"}
        if name not in homes:
            raise AttributeError(f"module 'conformance' has no attribute '{name}'")
        return getattr(importlib.import_module(f"conformance.{homes[name]}"), name)
