"""Who may ask: where a key stands in a request, and whether it is accepted."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote_plus

SECRET_FIELDS = ("api-key", "x-api-key", "x-goog-api-key", "proxy-authorization", "x-mock-token")
SECRET_PARAMETERS = ("api_key", "key", "api-key", "apikey", "access_token", "token")
_SUBPROTOCOL = "openai-insecure-api-key."
"""How the API's own SDK passes a key where it cannot set fields: as a WebSocket subprotocol."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A key and where it stood: `authorization`, `api-key`, `x-api-key`, `query:key`, `query:api_key`, `subprotocol`."""

    key: str
    source: str


def credential(headers: Mapping[str, str], path: str, *, query: bool = False) -> Credential | None:
    """The key of a request. `query`: keys in the query string and in the subprotocol count too, as a WebSocket in a browser
    has no other fields; the header wins, then `api_key`, then `key`."""
    authorization = headers.get("Authorization")
    if authorization and (key := _authorized(authorization)):
        return Credential(key, "authorization")
    for name in SECRET_FIELDS[:2]:
        if value := headers.get(name):
            return Credential(value, name)
    if query:
        found = dict(_parameters(path))
        for name in SECRET_PARAMETERS[:2]:
            if value := found.get(name):
                return Credential(value, f"query:{name}")
        for key in _in_subprotocols(headers.get("Sec-WebSocket-Protocol", "")):
            return Credential(key, "subprotocol")
    return None


def secrets_in(headers: Mapping[str, str], path: str) -> Iterator[str]:
    """Everything in a request that may be a secret, whether or not it counts as its key."""
    for field in ("Authorization", "Proxy-Authorization"):
        if value := headers.get(field):
            yield _authorized(value) or value
    for name in SECRET_FIELDS:
        if name != "proxy-authorization" and (value := headers.get(name)):
            yield value
    if cookies := headers.get("Cookie"):
        yield from (value for _, value in _cookies(cookies) if value)
    yield from _in_subprotocols(headers.get("Sec-WebSocket-Protocol", ""))
    if "?" in path:
        yield from (value for name, value in _parameters(path) if name.lower() in SECRET_PARAMETERS and value)


class Keys(NamedTuple):
    """What a request's head says of keys: the one it asks with, wherever that stands, and all that may be a secret."""

    credential: Credential | None
    secrets: tuple[str, ...]


def keys_in(headers: Mapping[str, str], path: str) -> Keys:
    return Keys(credential(headers, path, query=True), tuple(secrets_in(headers, path)))


def without_secrets(name: str, value: str, label: Callable[[str], str]) -> str:
    """A header field's value with every secret in it replaced by its label."""
    name = name.lower()
    if name in ("authorization", "proxy-authorization"):
        scheme, _, rest = value.partition(" ")
        return f"{scheme} {label(_authorized(value) or value)}" if rest else label(value)
    if name in SECRET_FIELDS:
        return label(value)
    if name == "cookie":
        return "; ".join(f"{cookie}={label(given)}" if given else cookie for cookie, given in _cookies(value))
    if name == "sec-websocket-protocol":
        for key in _in_subprotocols(value):
            value = value.replace(_SUBPROTOCOL + key, _SUBPROTOCOL + label(key))
    return value


def path_without_secrets(path: str, label: Callable[[str], str]) -> str:
    """A path whose query names keys by their labels."""
    where, mark, query = path.partition("?")
    if not mark:
        return path
    pairs = (pair.partition("=") for pair in query.split("&"))
    return f"{where}?" + "&".join(
        f"{name}={quote(label(unquote_plus(value)))}"
        if value and unquote_plus(name).lower() in SECRET_PARAMETERS
        else f"{name}{equals}{value}"
        for name, equals, value in pairs
    )


def _authorized(value: str) -> str:
    """The key of an Authorization field: a bearer's token, or the password of Basic auth, which the API takes as well."""
    scheme, _, rest = value.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(rest.strip(), validate=True).decode("utf-8", "replace").partition(":")
        except binascii.Error:
            return ""
        return password or user
    return ""


def _parameters(path: str) -> list[tuple[str, str]]:
    return parse_qsl(path.partition("?")[2]) if "?" in path else []


def _cookies(value: str) -> Iterator[tuple[str, str]]:
    for pair in value.split(";"):
        name, _, given = pair.strip().partition("=")
        yield name, given


def _in_subprotocols(value: str) -> Iterator[str]:
    for protocol in value.split(","):
        if protocol.strip().startswith(_SUBPROTOCOL):
            yield protocol.strip().removeprefix(_SUBPROTOCOL)


class KeyRuleError(ValueError):
    """A rule for a key that cannot be read."""


@dataclass(frozen=True, slots=True)
class KeyRule:
    """How long a key is valid: for so many `requests`, or for so many `seconds` since its first use. None: for ever."""

    requests: int | None = None
    seconds: float | None = None


def read_key(text: str) -> tuple[str, KeyRule]:
    """`KEY`, `KEY=after:5` (valid for 5 requests) or `KEY=for:30s` (for 30 s from its first use). Raises KeyRuleError."""
    key, mark, rule = text.rpartition("=")
    kind, colon, amount = rule.partition(":")
    if not mark or not colon or kind not in ("after", "for"):
        return text, KeyRule()
    if kind == "after" and amount.isdecimal():
        return key, KeyRule(requests=int(amount))
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
    number = amount.rstrip("hms")
    try:
        if kind == "for" and float(number) >= 0:
            return key, KeyRule(seconds=float(number) * units[amount[len(number) :] or "s"])
    except (ValueError, KeyError):
        pass
    raise KeyRuleError(f"'{rule}' says not how long the key is valid: wanted after:REQUESTS or for:TIME such as for:30s")


class Access:
    """The accepted keys and how long each stays valid. Without any, every key is accepted."""

    def __init__(self, keys: Mapping[str, KeyRule]) -> None:
        self._keys = dict(keys)
        self._uses: dict[str, int] = {}
        self._since: dict[str, float] = {}

    def counts(self, key: str) -> bool:
        """Whether it matters how often, or since when, the key was used."""
        rule = self._keys.get(key)
        return rule is not None and rule != KeyRule()

    def recall(self, key: str, uses: int, since: float) -> None:
        """The next use of the key is its `uses`th, and the first one was at `since`, as somebody else counted."""
        self._uses[key], self._since[key] = uses - 1, since

    def accepts(self, key: str, now: float) -> bool:
        """Whether the key is valid `now` (seconds of any one clock); asking uses it once."""
        if not self._keys:
            return True
        rule = self._keys.get(key)
        if rule is None:
            return False
        if rule.requests is not None:
            self._uses[key] = self._uses.get(key, 0) + 1
            return self._uses[key] <= rule.requests
        if rule.seconds is not None:
            return now - self._since.setdefault(key, now) < rule.seconds
        return True
