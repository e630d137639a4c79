"""A redirect that keeps the method is followed by GET."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import SplitResult

from conformance.reference import client


class Mutant(client.Client):
    def redirect(self, url: str, response: client.Response, origin: client.Place) -> str:
        self.redirected = True
        return super().redirect(url, response, origin)

    def ask(self, url: SplitResult, key: str, run: client.Run, limits: client.Limits) -> client.Response:
        if not getattr(self, "redirected", False):
            return super().ask(url, key, run, limits)
        wire = self.borrow(client.Place.of(url, run.ca_file), limits)
        wire.write(client.head("GET", url, self.fields(url, key, b"")))
        return self.parts.response(wire)


PARTS = replace(client.Parts(), client=Mutant)
