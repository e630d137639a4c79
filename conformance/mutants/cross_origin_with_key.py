"""307 and 308 are followed to another origin, key and all."""

from __future__ import annotations

from urllib.parse import urljoin

from conformance.reference.chat_completions import Client
from conformance.reference.client import Parts
from conformance.reference.http1 import Response
from conformance.reference.wire import Place


class Mutant(Client):
    def redirect(self, url: str, response: Response, origin: Place) -> str:
        if response.status in (307, 308):
            return urljoin(url, response.headers.get("location", ""))
        return super().redirect(url, response, origin)


PARTS = Parts(client=Mutant)
