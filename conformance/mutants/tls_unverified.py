"""Any certificate is accepted."""

from __future__ import annotations

import ssl

from conformance.reference.client import Parts
from conformance.reference.wire import Place, Wire


class Mutant(Wire):
    def context(self, place: Place) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context


PARTS = Parts(wire=Mutant)
