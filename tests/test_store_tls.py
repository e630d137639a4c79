"""A store that is reached by TLS: a real Redis with a certificate, whose authority is trusted or not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import trustme

from mockserver.author_errors import AuthorError
from mockserver.redis_line import read_address
from mockserver.transports.listener import bound_socket
from tests.redis_server import redis_server

pytestmark = pytest.mark.timeout(60)
ASK = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Say something."}]}
SOON = 20.0
"""Seconds that something may take on a busy machine."""


@dataclass(frozen=True)
class Secure:
    """A Redis that speaks TLS on `port`; the certificates are in `folder`."""

    folder: Path
    port: int

    def url(self, **query: str) -> str:
        return str(httpx.URL(f"rediss://127.0.0.1:{self.port}/0", params=query))

    def pem(self, name: str) -> str:
        return str(self.folder / f"{name}.pem")


@contextmanager
def secure_redis(folder: Path, *hosts: str, clients: bool = False) -> Iterator[Secure]:
    """`clients`: they need a certificate, too."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    trustme.CA().cert_pem.write_to_path(folder / "stranger.pem")
    for name, certificate in (("redis", authority.issue_cert(*hosts)), ("client", authority.issue_cert("client@example.com"))):
        certificate.private_key_and_cert_chain_pem.write_to_path(folder / f"{name}.pem")
    with bound_socket("127.0.0.1", 0) as guard:
        # It keeps the port until Redis listens on it, and does not listen itself.
        redis = Secure(folder, guard.getsockname()[1])
        files = ("--tls-cert-file", redis.pem("redis"), "--tls-key-file", redis.pem("redis"), "--tls-ca-cert-file", redis.pem("ca"))
        with redis_server("--tls-port", str(redis.port), *files, "--tls-auth-clients", "yes" if clients else "no"):
            yield redis


@pytest.fixture(scope="module", name="redis")
def _redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    with secure_redis(tmp_path_factory.mktemp("tls"), "127.0.0.1") as redis:
        yield redis


@dataclass
class Served:
    """`told` is what stderr said, once the server has ended."""

    base_url: str
    told: str = ""

    def ask(self, path: str = "/v1") -> httpx.Response:
        url = f"{self.base_url.removesuffix('/v1')}{path}/chat/completions"
        return httpx.post(url, json=ASK, headers={"authorization": "Bearer any"}, timeout=SOON, trust_env=False)


@contextmanager
def serving(store: str, *flags: str) -> Iterator[Served]:
    command = [sys.executable, "-m", "mockserver", "serve", "--port", "0", "--host", "127.0.0.1", "--store", store, *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        try:
            served = Served(process.stdout.readline().strip())
            assert served.base_url, process.stderr.read()
            yield served
        finally:
            process.terminate()
        served.told = process.stderr.read()


@pytest.mark.parametrize("more", [{}, {"ssl_cert_reqs": "none"}], ids=["trusted", "unverified"])
def test_workers_share_a_store_over_tls(redis: Secure, more: dict[str, str]) -> None:
    store = redis.url(**(more or {"ssl_ca_certs": redis.pem("ca")}), prefix="".join(more) or "trusted")
    with serving(store, "--workers", "2") as server:
        turns = [{"answer": {"content": f"turn {number}"}} for number in range(8)]
        opened = httpx.post(f"{server.base_url.removesuffix('/v1')}/_mock/sessions", json={"turns": turns}, trust_env=False).json()
        answers = [server.ask(f"/s/{opened['key']}/v1") for _ in turns]
        assert [answer.json()["choices"][0]["message"]["content"] for answer in answers] == [f"turn {number}" for number in range(8)]
        journal = httpx.get(f"{server.base_url.removesuffix('/v1')}/_mock/sessions/{opened['key']}/journal", trust_env=False).json()
        assert len(journal["requests"]) == 8
    assert server.told == ""


def refused(store: str) -> tuple[str, str]:
    """What the server says at its start, and what it says to a client, by 503."""
    with serving(store) as server:
        answer = server.ask()
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "mock_store_lost")
    (told,) = server.told.splitlines()
    assert told.startswith("the store is not there yet, requests are refused until it is: ")
    return told, answer.json()["error"]["message"]


@pytest.mark.parametrize("named", [None, "stranger"])
def test_an_authority_that_is_not_trusted_is_said_and_how_to_trust_it(redis: Secure, named: str | None) -> None:
    for told in refused(redis.url() if named is None else redis.url(ssl_ca_certs=redis.pem(named))):
        assert "its certificate is refused: self-signed certificate in certificate chain; " in told
        assert "?ssl_ca_certs=FILE" in told


def test_a_certificate_for_another_host_is_refused(tmp_path: Path) -> None:
    with secure_redis(tmp_path, "redis.example.com") as redis:
        for told in refused(redis.url(ssl_ca_certs=redis.pem("ca"))):
            assert "its certificate is refused: IP address mismatch, certificate is not valid for '127.0.0.1'" in told
            assert "ssl_ca_certs" not in told
        with serving(redis.url(ssl_ca_certs=redis.pem("ca"), ssl_check_hostname="false")) as server:
            assert server.ask().status_code == 200


def test_a_store_that_wants_to_know_its_clients(tmp_path: Path) -> None:
    with secure_redis(tmp_path, "127.0.0.1", clients=True) as redis:
        assert refused(redis.url(ssl_ca_certs=redis.pem("ca")))
        own = {"ssl_certfile": redis.pem("client"), "ssl_keyfile": redis.pem("client")}
        with serving(redis.url(ssl_ca_certs=redis.pem("ca"), **own)) as server:
            assert server.ask().status_code == 200


def test_a_store_that_speaks_tls_is_not_asked_without(redis: Secure) -> None:
    assert refused(redis.url().replace("rediss:", "redis:"))


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("rediss://host?ssl_ca_certs=/none/ca.pem", "ssl_ca_certs=/none/ca.pem cannot be read: No such file or directory"),
        (f"rediss://host?ssl_ca_certs={__file__}", f"ssl_ca_certs={__file__} cannot be read: "),
        (f"rediss://host?ssl_certfile={__file__}", f"ssl_certfile={__file__} cannot be read: "),
        ("rediss://host?ssl_cert_reqs=never", "never"),
        ("rediss://host?ssl_ca_cert=ca.pem", "unknown option 'ssl_ca_cert'; did you mean 'ssl_ca_certs'?"),
        ("redis://host?ssl_ca_certs=ca.pem", "unknown option 'ssl_ca_certs'; TLS is spoken with rediss://"),
        ("unix:///run/redis.sock?dbb=1", "unknown option 'dbb'; did you mean 'db'?"),
    ],
)
def test_a_mistake_in_the_address_is_told_at_the_start(url: str, wanted: str) -> None:
    with pytest.raises(AuthorError) as found:
        read_address(url)
    assert wanted in str(found.value)
