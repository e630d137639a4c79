"""The handshake carries no key."""

from __future__ import annotations

from conformance.reference.chat_completions import Client
from conformance.reference.client import Parts
from conformance.reference.limits import Limits
from conformance.reference.run import Run
from conformance.reference.websocket import WebSocket


class Mutant(Client):
    def channel(self, url: str, key: str, run: Run, limits: Limits) -> WebSocket:
        return super().channel(url, "", run, limits)


PARTS = Parts(client=Mutant)
