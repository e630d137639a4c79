"""After its close frame the server's is waited for, however long."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.WebSocket):
    FAREWELL = 30.0


PARTS = replace(client.Parts(), websocket=Mutant)
