"""TLS: of the server, of sessions, and its faults, seen through Python's own `ssl` over bare sockets."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from mockserver.testing import MockServer, MockSession

ASK = {"model": "gpt-4.1", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
KEY = {"authorization": "Bearer sk-tls"}


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer() as server:
        yield server


def trusting(ca_file: str | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file)


def status(session: MockSession, context: ssl.SSLContext) -> int:
    return httpx.post(f"{session.base_url}/chat/completions", json=ASK, headers=KEY, verify=context, trust_env=False).status_code


def shake_hands(session: MockSession, context: ssl.SSLContext) -> ssl.SSLSocket:
    url = httpx.URL(session.base_url)
    return context.wrap_socket(socket.create_connection((url.host, url.port or 0), timeout=5), server_hostname=url.host)


def test_a_session_speaks_tls(server: MockServer) -> None:
    session = server.session(tls="self-signed")
    assert session.base_url.startswith("https://")
    assert session.ws_url.startswith("wss://")
    assert status(session, trusting(session.ca_file)) == 200
    with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
        status(session, trusting(None))
    server.until(lambda: session.session.journal.connections[-1].closed_at is not None, 5)
    connections = session.journal()["connections"]
    assert [connection["tls"] for connection in connections] == ["TLSv1.3", None]
    assert [each["what"] for each in connections[1]["happenings"]] == ["handshake failed"]


def test_the_control_api_names_the_authority(server: MockServer) -> None:
    session = httpx.post(f"{server.origin}/_mock/sessions", json={"tls": "self-signed"}, trust_env=False).json()
    assert session["base_url"].startswith("https://")
    assert "BEGIN CERTIFICATE" in Path(session["ca_file"]).read_text()


def test_a_file_with_chain_and_key(server: MockServer, tmp_path: Path) -> None:
    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1")
    file, ca_file = tmp_path / "server.pem", tmp_path / "ca.pem"
    leaf.private_key_and_cert_chain_pem.write_to_path(file)
    authority.cert_pem.write_to_path(ca_file)
    session = server.session(tls=str(file))
    assert session.ca_file is None
    assert status(session, trusting(str(ca_file))) == 200
    with MockServer(tls=str(file)) as secure:
        assert status(secure.default, trusting(str(ca_file))) == 200


def test_the_whole_server_speaks_tls() -> None:
    with MockServer(tls="self-signed") as server:
        session = server.session([{"faults": [{"reset": {"at": "content:1"}}]}, {}])
        assert session.base_url.startswith("https://")
        context = trusting(server.default.ca_file)
        with pytest.raises(httpx.HTTPError):  # OpenSSL makes an end of file of the RST
            status(session, context)
        assert status(session, context) == 200
        assert session.journal()["connections"][0]["closed_how"] == "rst"


REFUSED = {
    "expired": ssl.SSLCertVerificationError("certificate has expired"),
    "self-signed": ssl.SSLCertVerificationError("self-signed certificate"),
    "wrong-host": ssl.SSLCertVerificationError("not valid for '127.0.0.1'"),
    "reset": ConnectionResetError("reset"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_a_handshake_that_must_fail(server: MockServer, fault: str) -> None:
    session = server.session([{"door": {"tls": fault}}, {}])
    context = trusting(session.ca_file)
    wanted = REFUSED[fault]
    with pytest.raises(type(wanted), match=wanted.args[0] if fault != "self-signed" else "self.signed certificate"):
        shake_hands(session, context)
    assert status(session, context) == 200, "the next turn's door is open"
    assert session.unplayed() == []
    assert session.journal()["connections"][0]["door"] == f"tls: {fault}"


def test_a_client_that_does_not_verify_is_seen(server: MockServer) -> None:
    session = server.session([{"door": {"tls": "expired"}}, {}])
    careless = ssl.create_default_context()
    careless.check_hostname, careless.verify_mode = False, ssl.CERT_NONE
    assert status(session, careless) == 200
    (connection,) = session.journal()["connections"]
    assert (connection["door"], connection["requests"]) == ("tls: expired", 1)


def test_silence_before_server_hello(server: MockServer) -> None:
    session = server.session([{"door": {"tls": "silent"}}, {}])
    url = httpx.URL(session.base_url)
    with socket.create_connection((url.host, url.port or 0), timeout=5) as sock:
        sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            trusting(session.ca_file).wrap_socket(sock, server_hostname=url.host)
    assert status(session, trusting(session.ca_file)) == 200


def received(session: MockSession, context: ssl.SSLContext) -> tuple[bytes, bool]:
    """The whole response, and whether TLS was closed as it should be (RFC 8446 §6.1)."""
    with shake_hands(session, context) as sock:
        setattr(sock, "suppress_ragged_eofs", False)  # noqa: B010  # typeshed does not know it
        body = b'{"model":"m","messages":[{"role":"user","content":"x"}]}'
        path = httpx.URL(session.base_url).path
        fields = f"Host: x\r\nConnection: close\r\nAuthorization: Bearer k\r\nContent-Length: {len(body)}\r\n\r\n"
        sock.sendall(f"POST {path}/chat/completions HTTP/1.1\r\n{fields}".encode() + body)
        heard = b""
        try:
            while piece := sock.recv(65536):
                heard += piece
        except ssl.SSLEOFError:
            return heard, False
        return heard, True


def test_the_end_without_close_notify(server: MockServer) -> None:
    session = server.session([{"door": {"tls": "no-close-notify"}, "answer": {"content": ["whole"]}}, {}])
    context = trusting(session.ca_file)
    heard, notified = received(session, context)
    assert b"whole" in heard
    assert not notified
    assert received(session, context)[1]
    assert session.unplayed() == []


def test_plain_http_on_a_tls_port_harms_nobody(server: MockServer) -> None:
    session = server.session(tls="self-signed")
    url = httpx.URL(session.base_url)
    with socket.create_connection((url.host, url.port or 0), timeout=5) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n" * 10)
        assert not sock.recv(1000).startswith(b"HTTP")
    assert status(session, trusting(session.ca_file)) == 200


@pytest.mark.parametrize("options", [{"tls": "self-signed", "own_port": False}])
def test_tls_needs_a_port(server: MockServer, options: dict[str, Any]) -> None:
    answer = httpx.post(f"{server.origin}/_mock/sessions", json=options, trust_env=False)
    assert answer.status_code == 400
    assert "own_port" in answer.json()["error"]["message"]
