"""A message of more than 64 KB is an error."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.websocket import WebSocket


class Mutant(WebSocket):
    MOST = 65536


PARTS = Parts(websocket=Mutant)
