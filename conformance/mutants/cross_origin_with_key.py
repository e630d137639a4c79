"""307 and 308 are followed to another origin, key and all."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urljoin

from conformance.reference import client


class Mutant(client.Client):
    def redirect(self, url: str, response: client.Response, origin: client.Place) -> str:
        if response.status in (307, 308):
            return urljoin(url, response.headers.get("location", ""))
        return super().redirect(url, response, origin)


PARTS = replace(client.Parts(), client=Mutant)
