"""The handshake carries no key."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Client):
    def channel(self, url: str, key: str, run: client.Run, limits: client.Limits) -> client.WebSocket:
        return super().channel(url, "", run, limits)


PARTS = replace(client.Parts(), client=Mutant)
