"""A client that declares to restart after partial output and does not."""

from __future__ import annotations

from conformance.reference.adapter import Adapter
from conformance.reference.client import Parts


class Mutant(Adapter):
    HELLO = {**Adapter.HELLO, "retry": "restart"}  # noqa: RUF012  # declared as it is in the class it stands for


PARTS = Parts(adapter=Mutant)
