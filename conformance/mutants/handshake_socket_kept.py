"""A connection that is given up in its TLS handshake is not closed."""

from __future__ import annotations

import socket
import ssl
from dataclasses import replace

from conformance.reference import client

KEPT: list[socket.socket] = []
"""So that no garbage collector closes them."""


class Mutant(client.Wire):
    def secure(self, plain: socket.socket, place: client.Place, until: float) -> ssl.SSLSocket:
        KEPT.append(plain.dup())
        secured = super().secure(plain, place, until)
        KEPT.pop().close()
        return secured


PARTS = replace(client.Parts(), wire=Mutant)
