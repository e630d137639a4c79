"""Calls to one Redis. Those that are made at the same time share a round trip, and each is answered in a bounded time or given up.

What is given up does nothing later: scripts that claim anything are told until when they are wanted (`DEADLINE`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha1
from inspect import signature
from pathlib import Path
from ssl import SSLCertVerificationError
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from mockserver.author_errors import AuthorError, Mistake, nearest

if TYPE_CHECKING:
    from redis.asyncio import Redis

SCRIPTS = Path(__file__).parent / "redis_scripts"
SCHEMES = ("redis", "rediss", "unix")
PATIENCE = 3.0
"""Seconds that a round trip may take. A call waits for the one before it, too, but for no more than one that is given up."""
FILES = ("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile")
TEXTS = frozenset({"client_name", "username", "password"})
CONNECTIONS = 2
"""Calls go over one, orders come over another."""
UNKNOWN_AUTHORITY = frozenset({18, 19, 20, 21})
"""Why a certificate is not trusted, in OpenSSL's numbers (X509_STORE_CTX_get_error(3)): nobody that is known vouches for it."""
LATE = ["late"]
"""What a script says that has found its `DEADLINE` over."""
ATTEMPTS = 5
AT_ONCE = 250
"""So many calls share a round trip, or the first of them would wait long for the last."""
TIMES = 10
DEADLINE = object()
"""As an argument of a call: Redis' time in ms at which it is too late to do it, half of `PATIENCE` after it is sent, so that an answer
still finds its caller; empty as long as Redis' time is not known."""


Call = tuple[tuple[Any, ...], asyncio.Future[Any]]
"""A script's name ("" for none) and a command, and the answer to it."""


class StoreLost(Exception):
    """The store does not answer; the message says how."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the store is. `prefix` begins the name of every key; `shown` is the URL without its password."""

    url: str
    prefix: str
    shown: str


def read_address(text: str) -> Address:
    """`redis://[:password@]host[:port][/db]`, `rediss://…` (TLS) or `unix:///path?db=0`, with `?prefix=NAME` for a store of one's own
    in a Redis that others use as well. What else may stand in the query: https://redis.readthedocs.io/en/stable/connections.html.
    `ssl_ca_certs=FILE` there names the authority that a certificate must come from. Raises AuthorError, also for files that cannot be
    read."""
    wanted = "memory, redis://HOST:PORT/DB, rediss://HOST:PORT/DB or unix:///PATH"
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise AuthorError([Mistake("--store", 1, f"wanted {wanted}, got '{text.rpartition('@')[2]}': {error}")]) from None
    if parts.scheme not in SCHEMES:
        raise AuthorError([Mistake("--store", 1, f"wanted {wanted}, got '{text}'{nearest(parts.scheme, SCHEMES)}")])
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    prefix = query.pop("prefix", "streamproof")
    where, path = parts.netloc.rpartition("@")[2], parts.path
    address = Address(f"{parts.scheme}://{parts.netloc}{path}?{urlencode(query)}", f"{prefix}:", f"{parts.scheme}://{where}{path}")
    _check_place(address, parts.scheme, path, {**query, "prefix": prefix})
    _check(address, query)
    return address


def _check_place(address: Address, scheme: str, path: str, query: Mapping[str, str]) -> None:
    """What redis-py would take for something else, without a word. Raises AuthorError."""
    for name, value in query.items():
        if not value:
            raise _wrong(address, f"the option '{name}' has no value")
    if scheme == "unix":
        database = query.get("db", "0")
        if not path.strip("/"):
            raise _wrong(address, "wanted a socket's path, as in unix:///run/redis.sock")
    else:
        database = query.get("db") or path.strip("/") or "0"
    if not (database.isascii() and database.isdecimal()):
        raise _wrong(address, f"wanted a database's number, got '{database}'")
    connections = query.get("max_connections", str(CONNECTIONS))
    if connections.isdecimal() and int(connections) < CONNECTIONS:
        raise _wrong(address, f"max_connections: wanted {CONNECTIONS} or more, for calls and for orders, got {connections}")


def _wrong(address: Address, told: str) -> AuthorError:
    return AuthorError([Mistake("--store", 1, f"'{address.shown}': {told}")])


def _check(address: Address, query: Mapping[str, str]) -> None:
    """Find now what would be found when the first connection is made. Raises AuthorError."""
    pool: Any = _client(address).connection_pool

    known = {name for name in _options(type(pool)) | _options(pool.connection_class) if _can_be_text(name)}
    for name in sorted(query.keys() - known):
        secure = "; TLS is spoken with rediss://" if name.startswith("ssl_") and not address.url.startswith("rediss:") else ""
        raise _wrong(address, f"unknown option '{name}'{nearest(name, known)}{secure}")
    try:
        connection = pool.make_connection()
        if address.url.startswith("rediss:"):
            connection.ssl_context.get()
    except OSError as error:
        files = ", ".join(f"{name}={query[name]}" for name in FILES if name in query)
        raise _wrong(address, f"{files} cannot be read: {error.strerror or error}") from None
    except Exception as error:
        raise _wrong(address, str(error)) from None


def _can_be_text(option: str) -> bool:
    """Others are objects, which no URL can name."""
    from redis.asyncio.connection import URL_QUERY_ARGUMENT_PARSERS

    return option in TEXTS or option.startswith("ssl_") or option in URL_QUERY_ARGUMENT_PARSERS


def _options(made: type[Any]) -> set[str]:
    """What can be said to what makes an object of this class, and to those of the classes that it comes from."""
    makers = [signature(vars(each)["__init__"]) for each in made.__mro__ if each is not object and "__init__" in vars(each)]
    return {name for maker in makers for name in maker.parameters} - {"self", "kwargs"}


def _client(address: Address) -> Redis:
    """A client that tries nothing twice: what was sent may have been done. Raises AuthorError."""
    try:
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
    except ImportError:
        told = "a store in Redis needs the package `redis`: pip install 'streamproof[redis]'"
        raise AuthorError([Mistake("--store", 1, told)]) from None
    try:
        return Redis.from_url(
            address.url,
            decode_responses=True,
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE / 2,
            retry=Retry(NoBackoff(), 0),
        )
    except (TypeError, ValueError) as error:
        raise AuthorError([Mistake("--store", 1, f"'{address.shown}' is no address of a Redis: {error}")]) from None


def _reason(error: Exception) -> str:
    """Why the store does not answer."""
    refused = error.__context__
    if not isinstance(refused, SSLCertVerificationError):
        return f"{type(error).__name__}: {error}"
    told = "; an authority that is to be trusted is named in the address: ?ssl_ca_certs=FILE"
    return f"its certificate is refused: {refused.verify_message.rstrip('.')}{told if refused.verify_code in UNKNOWN_AUTHORITY else ''}"


def _answer(calls: list[Call], answers: list[Any]) -> None:
    """Tell those who still want to know."""
    for (_, future), answer in zip(calls, answers, strict=True):
        if future.done():
            continue
        if isinstance(answer, Exception):
            future.set_exception(StoreLost(_reason(answer)))
        else:
            future.set_result(answer)


@cache
def _script(name: str) -> tuple[str, str]:
    """A script and its digest, by which it is called."""
    text = "".join((SCRIPTS / f"{part}.lua").read_text(encoding="utf-8") for part in ("common", name))
    return text, sha1(text.encode()).hexdigest()


class Line:
    """One connection, over which calls go in the order in which they are made. It is made at the first call, and again after
    it was lost. `root` begins the name of every key."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.root = address.prefix
        self._client = _client(address)
        self._waiting: list[Call] = []
        self._sending: asyncio.Task[None] | None = None
        self._ahead: deque[float] = deque(maxlen=TIMES)

    @property
    def database(self) -> int:
        """Databases have keys of their own, but channels in common (https://redis.io/docs/latest/develop/pubsub/)."""
        return int(self._client.connection_pool.connection_kwargs.get("db") or 0)

    @property
    def client(self) -> Redis:
        """For what is no call: a subscription."""
        return self._client

    def tell_time(self, milliseconds: float, asked_at: float) -> None:
        """Learn Redis' time as it was at some time after `asked_at` (the loop's clock). Of some such bounds the nearest counts: a busy
        process may hear of it late, and no call may be thought late for that."""
        self._ahead.append(milliseconds - asked_at * 1000)

    async def script(self, name: str, *arguments: Any) -> Any:
        """Call a script of `redis_scripts`. One that came too late has done nothing, and is called again. Raises StoreLost."""
        for _ in range(ATTEMPTS):
            answer = await self.call("EVALSHA", _script(name)[1], 0, *arguments, script=name)
            if answer != LATE:
                return answer
        raise StoreLost(f"it was too late {ATTEMPTS} times")

    async def call(self, *command: Any, script: str = "") -> Any:
        """Raises StoreLost."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(((script, *command), answer))
        if self._sending is None:
            self._sending = asyncio.get_running_loop().create_task(self._send_all())
        return await answer

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                calls = [call for call in self._waiting[:AT_ONCE] if not call[1].done()]
                del self._waiting[:AT_ONCE]
                waited = len(self._waiting)
                try:
                    _answer(calls, await self._answers([command for command, _ in calls]) if calls else [])
                except Exception as error:
                    # Whatever it is: nobody may be left waiting, nor wait once more who has waited as long as these.
                    calls += self._waiting[:waited]
                    del self._waiting[:waited]
                    _answer(calls, [error] * len(calls))
        finally:
            self._sending = None

    async def _answers(self, commands: list[tuple[Any, ...]]) -> list[Any]:
        """What Redis answers, having learnt the scripts that it does not know."""
        from redis.exceptions import NoScriptError

        answers = await self._round_trip(commands)
        unknown = [index for index, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if unknown:
            for name in {commands[index][0] for index in unknown}:
                await self._client.script_load(_script(name)[0])
            again = await self._round_trip([commands[index] for index in unknown])
            for index, answer in zip(unknown, again, strict=True):
                answers[index] = answer
        return answers

    async def _round_trip(self, commands: list[tuple[Any, ...]]) -> list[Any]:
        pipeline = self._client.pipeline(transaction=False)
        until = (asyncio.get_running_loop().time() + PATIENCE / 2) * 1000
        deadline = f"{until + min(self._ahead):.0f}" if self._ahead else ""
        for _, *command in commands:
            pipeline.execute_command(*(deadline if part is DEADLINE else part for part in command))
        answers: list[Any] = await pipeline.execute(raise_on_error=False)
        return answers

    async def close(self) -> None:
        """Give up what is still asked, and the connection."""
        if self._sending is not None:
            self._sending.cancel()
        for _, answer in self._waiting:
            answer.cancel()
        await self._client.aclose()
