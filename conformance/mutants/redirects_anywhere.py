"""A redirect to another origin is followed with the key."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urljoin

from conformance.reference import client


class Mutant(client.Client):
    def redirect(self, url: str, response: client.Response, origin: client.Place) -> str:
        return urljoin(url, response.headers.get("location", ""))


PARTS = replace(client.Parts(), client=Mutant)
