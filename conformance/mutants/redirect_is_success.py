"""A redirect that is not followed is an empty success."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Client):
    def accept(self, response: client.Response, run: client.Run) -> None:
        if response.status != 204:
            super().accept(response, run)

    def redirect(self, url: str, response: client.Response, origin: client.Place) -> str:
        if response.status in (301, 302, 303):
            raise client.Failure("other", "nothing")
        return super().redirect(url, response, origin)


PARTS = replace(client.Parts(), client=Mutant)
