"""One TCP or TLS connection: bytes within the limits, is it stale, close."""

from __future__ import annotations

import socket
import ssl
import time
from functools import cache
from typing import NamedTuple
from urllib.parse import SplitResult

from conformance.reference.failure import Failure
from conformance.reference.limits import Limits, patience

READ = 65536
"""Bytes asked of a socket at once: what is held beyond one event, at most."""


class Place(NamedTuple):
    """Where a connection leads: an origin, and whom it trusts."""

    tls: bool
    host: str
    port: int
    ca_file: str | None

    @classmethod
    def of(cls, url: SplitResult, ca_file: str | None) -> Place:
        tls = url.scheme in ("https", "wss")
        return cls(tls, url.hostname or "", url.port or (443 if tls else 80), ca_file)


@cache
def trust(ca_file: str | None) -> ssl.SSLContext:
    """Certificates are verified against this authority alone, else the system's; so is the host's name."""
    return ssl.create_default_context(cafile=ca_file)


class Wire:
    """One connection. Its limits are those of the run that uses it."""

    def __init__(self, place: Place, limits: Limits) -> None:
        self.place = place
        self.limits = limits
        self.buffer = bytearray()
        self.ended = False
        self.ragged = False
        self.trouble: OSError | None = None
        self.answers = 0
        self.half_sent = False
        self.socket = self.connect(place)
        limits.heard()

    def connect(self, place: Place) -> socket.socket:
        until = time.monotonic() + self.limits.connect
        try:
            addresses = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise Failure("connect", f"cannot find {place.host}: {error}") from None
        trouble: Failure | None = None
        for family, kind, protocol, _, address in addresses:
            plain = socket.socket(family, kind, protocol)
            try:
                plain.settimeout(patience(self.connecting(until)))
                plain.connect(address)
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return self.secure(plain, place, until) if place.tls else plain
            except TimeoutError:
                plain.close()
                self.connecting(until)
                trouble = Failure("timeout", f"no connection to {place.host}:{place.port} in time")
            except OSError as error:
                plain.close()
                refused = isinstance(error, ConnectionRefusedError)
                trouble = Failure("connect", f"cannot connect to {place.host}:{place.port}: {error}", refused=refused)
            except BaseException:
                plain.close()
                raise
        raise trouble or Failure("connect", f"{place.host} has no address")

    def connecting(self, until: float) -> float:
        return self.limits.left(until, f"not connected after {self.limits.connect:g} s")

    def secure(self, plain: socket.socket, place: Place, until: float) -> ssl.SSLSocket:
        wrapped = self.context(place).wrap_socket(
            plain, server_hostname=place.host, do_handshake_on_connect=False, suppress_ragged_eofs=False
        )
        try:
            wrapped.settimeout(patience(self.connecting(until)))
            wrapped.do_handshake()
        except BaseException as error:
            wrapped.close()
            if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
                raise Failure("tls", f"no trusted connection to {place.host}: {error}", final=True) from None
            raise
        return wrapped

    def context(self, place: Place) -> ssl.SSLContext:
        try:
            return trust(place.ca_file)
        except OSError as error:
            raise Failure("tls", f"cannot read {place.ca_file}: {error}", final=True) from None

    def receive(self) -> bytes:
        """The next bytes from the socket; b"" at its end. Raises a timeout or a reset."""
        while not self.ended:
            if self.trouble:
                raise Failure("reset", f"the connection broke: {self.trouble}")
            self.socket.settimeout(patience(self.limits.silence()))
            try:
                data = self.socket.recv(READ)
            except (TimeoutError, ssl.SSLWantReadError):
                continue  # the limits say which of them is over
            except ssl.SSLEOFError:
                self.ended = self.ragged = True
            except OSError as error:
                self.trouble = error
            else:
                self.ended = not data
                return data
        return b""

    def arrived(self) -> bool:
        """Is something there unread: bytes, the end or a reset?"""
        if self.buffer or self.ended or self.trouble:
            return True
        self.socket.settimeout(0)
        try:
            data = self.socket.recv(READ)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError as error:
            self.trouble = error
        else:
            self.buffer += data
            self.ended = not data
        return True

    def read(self, most: int = READ) -> bytes:
        """What there is, at most `most` bytes; b"" at the end."""
        if not self.buffer:
            self.buffer += self.receive()
        piece = bytes(self.buffer[:most])
        del self.buffer[:most]
        return piece

    def exactly(self, count: int) -> bytes:
        while len(self.buffer) < count:
            self.more()
        return self.read(count) if count else b""

    def line(self, most: int = READ) -> bytes:
        """A line without its end, LF or CRLF."""
        seen = 0
        while (end := self.buffer.find(b"\n", seen)) < 0:
            seen = len(self.buffer)
            if seen > most:
                raise Failure("parse", f"a line of more than {most} bytes in the HTTP framing")
            self.more()
        line = bytes(self.buffer[:end])
        del self.buffer[: end + 1]
        return line.removesuffix(b"\r")

    def more(self) -> None:
        data = self.receive()
        if not data:
            raise Failure("truncated", "the connection ended inside the answer")
        self.buffer += data

    def write(self, data: bytes, until_answered: bool = False) -> None:
        """Send it all; with `until_answered` stop as soon as the other side answers or leaves (RFC 9112 §9.5)."""
        view = memoryview(data)
        self.half_sent = True
        while view:
            if until_answered and self.arrived():
                return
            left = self.limits.silence()
            self.socket.settimeout(patience(min(left, 0.05) if until_answered else left))
            try:
                view = view[self.socket.send(view[:READ]) :]
            except (TimeoutError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                continue
            except OSError as error:
                if not until_answered:
                    raise Failure("reset", f"the connection broke: {error}") from None
                return
        self.half_sent = False

    def close(self) -> None:
        self.socket.close()
