"""It follows up to a hundred redirects."""

from __future__ import annotations

from conformance.reference.chat_completions import Client
from conformance.reference.client import Parts


class Mutant(Client):
    REDIRECTS = 100


PARTS = Parts(client=Mutant)
