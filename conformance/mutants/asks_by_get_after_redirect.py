"""A redirect that keeps the method is followed by GET."""

from __future__ import annotations

from urllib.parse import SplitResult

from conformance.reference.chat_completions import Client
from conformance.reference.client import Parts
from conformance.reference.http1 import Response, head
from conformance.reference.limits import Limits
from conformance.reference.run import Run
from conformance.reference.wire import Place


class Mutant(Client):
    def redirect(self, url: str, response: Response, origin: Place) -> str:
        self.redirected = True
        return super().redirect(url, response, origin)

    def ask(self, url: SplitResult, key: str, run: Run, limits: Limits) -> Response:
        if not getattr(self, "redirected", False):
            return super().ask(url, key, run, limits)
        wire = self.pool.borrow(Place.of(url, run.ca_file), limits)
        wire.write(head("GET", url, self.fields(url, key, b"")))
        return self.parts.response(wire)


PARTS = Parts(client=Mutant)
