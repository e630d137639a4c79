"""After its close frame the server's is waited for, however long."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.websocket import WebSocket


class Mutant(WebSocket):
    FAREWELL = 30.0


PARTS = Parts(websocket=Mutant)
