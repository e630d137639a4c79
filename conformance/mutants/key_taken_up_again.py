"""A redirect to another origin leaves the key behind, and the next one, which stays there, takes it up again."""

from __future__ import annotations

from urllib.parse import SplitResult, urljoin, urlsplit

from conformance.reference.chat_completions import Client
from conformance.reference.client import Parts
from conformance.reference.http1 import Response
from conformance.reference.wire import Place


class Mutant(Client):
    crossing = False
    """The redirect that is being followed leads to another origin than the request before it."""

    def fields(self, url: SplitResult, key: str, body: bytes) -> dict[str, str]:
        own = super().fields(url, key, body)
        if self.crossing:
            del own["Authorization"]
        self.crossing = False
        return own

    def redirect(self, url: str, response: Response, origin: Place) -> str:
        target = urljoin(url, response.headers.get("location", ""))
        if response.status not in (307, 308) or not target:
            return super().redirect(url, response, origin)
        here, there = urlsplit(url), urlsplit(target)
        self.crossing = Place.of(here, None) != Place.of(there, None)
        return target


PARTS = Parts(client=Mutant)
