"""A connection that is given up in its TLS handshake is not closed."""

from __future__ import annotations

import socket
import ssl

from conformance.reference.client import Parts
from conformance.reference.wire import Place, Wire

KEPT: list[socket.socket] = []
"""So that no garbage collector closes them."""


class Mutant(Wire):
    def secure(self, plain: socket.socket, place: Place, until: float) -> ssl.SSLSocket:
        KEPT.append(plain.dup())
        secured = super().secure(plain, place, until)
        KEPT.pop().close()
        return secured


PARTS = Parts(wire=Mutant)
