"""A redirect to another origin is followed with the key."""

from __future__ import annotations

from urllib.parse import urljoin

from conformance.reference.chat_completions import Client
from conformance.reference.client import Parts
from conformance.reference.http1 import Response
from conformance.reference.wire import Place


class Mutant(Client):
    def redirect(self, url: str, response: Response, origin: Place) -> str:
        return urljoin(url, response.headers.get("location", ""))


PARTS = Parts(client=Mutant)
