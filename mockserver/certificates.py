"""Certificates for tests, made by a library for that: good ones, and ones a client must refuse."""

from __future__ import annotations

import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import trustme

Kind = Literal["good", "expired", "self-signed", "wrong-host"]


class Certificates:
    """One authority of its own, which clients trust through `ca_file`, and the server contexts it gives. The authority is made
    at first use; `close` removes its file."""

    def __init__(self, hosts: tuple[str, ...]) -> None:
        self._hosts = tuple(dict.fromkeys(("localhost", "127.0.0.1", "::1", *hosts)))
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @cached_property
    def _authority(self) -> trustme.CA:
        import trustme

        return trustme.CA(organization_name="streamproof")

    @cached_property
    def ca_file(self) -> str:
        """The path of the authority's certificate, in PEM."""
        self._folder = tempfile.TemporaryDirectory(prefix="streamproof-")
        path = Path(self._folder.name) / "ca.pem"
        self._authority.cert_pem.write_to_path(path)
        return str(path)

    def context(self, certificate: str) -> ssl.SSLContext:
        """A server context: with a certificate of this authority for a `Kind`, or with the chain and key of a PEM file.
        Raises OSError or ssl.SSLError for a file that holds no such thing."""
        if certificate not in self._contexts:
            self._contexts[certificate] = self._made(certificate)
        return self._contexts[certificate]

    def _made(self, certificate: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        now = datetime.now(UTC)
        match certificate:
            case "good":
                self._authority.issue_cert(*self._hosts).configure_cert(context)
            case "expired":
                began, ended = now - timedelta(days=90), now - timedelta(days=1)
                self._authority.issue_cert(*self._hosts, not_before=began, not_after=ended).configure_cert(context)
            case "wrong-host":
                self._authority.issue_cert("wrong-host.invalid").configure_cert(context)
            case "self-signed":
                self._sign_itself(context)
            case _:
                context.load_cert_chain(certificate)
        return context

    @staticmethod
    def _sign_itself(context: ssl.SSLContext) -> None:
        """A certificate that nobody else vouches for: an unknown authority's own."""
        import trustme

        stranger = trustme.CA(organization_name="streamproof, self-signed")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "both.pem"
            stranger.cert_pem.write_to_path(path)
            stranger.private_key_pem.write_to_path(path, append=True)
            context.load_cert_chain(path)

    def close(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
