"""A certificate for another host is accepted."""

from __future__ import annotations

import ssl
from dataclasses import replace

from conformance.reference import client


class Mutant(client.Wire):
    def context(self, place: client.Place) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=place.ca_file)
        context.check_hostname = False
        return context


PARTS = replace(client.Parts(), wire=Mutant)
