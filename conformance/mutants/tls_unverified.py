"""Any certificate is accepted."""

from __future__ import annotations

import ssl
from dataclasses import replace

from conformance.reference import client


class Mutant(client.Wire):
    def context(self, place: client.Place) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context


PARTS = replace(client.Parts(), wire=Mutant)
