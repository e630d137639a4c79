"""A 1xx is taken for the answer."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Response):
    def read_head(self) -> None:
        super().read_head()
        if 100 <= self.status < 200 and self.status != 101:
            raise client.Failure("http", f"HTTP {self.status}", status=self.status)


PARTS = replace(client.Parts(), response=Mutant)
