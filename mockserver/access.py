"""Who may ask: where a key stands in a request, and whether it is accepted."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

SECRET_FIELDS = ("authorization", "api-key", "x-api-key")


@dataclass(frozen=True, slots=True)
class Credential:
    """A key and where it stood: `authorization`, `api-key`, `x-api-key`, `query:key`, `query:api_key`."""

    key: str
    source: str


def credential(headers: Mapping[str, str], path: str, *, query: bool = False) -> Credential | None:
    """The key of a request. `query`: keys in the query string count too, as a WebSocket in a browser has no headers; the
    header wins, then `api_key`, then `key`."""
    bearer = headers.get("Authorization", "")
    if bearer[:7].lower() == "bearer " and bearer[7:].strip():
        return Credential(bearer[7:].strip(), "authorization")
    for name in SECRET_FIELDS[1:]:
        if value := headers.get(name):
            return Credential(value, name)
    if query and "?" in path:
        found = dict(parse_qsl(path.partition("?")[2]))
        for name in ("api_key", "key"):
            if value := found.get(name):
                return Credential(value, f"query:{name}")
    return None


class Access:
    """The accepted keys and how long each stays valid: `{"sk-a": "", "sk-b": "after:5", "sk-c": "for:30s"}`.

    `after:N`: valid for N requests. `for:T`: valid for T seconds from its first use.
    """

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._keys = dict(keys)
        self._uses: dict[str, int] = {}
        self._since: dict[str, float] = {}

    def accepts(self, key: str) -> bool:
        """Whether the key is valid now; asking uses it once."""
        if not self._keys:
            return True
        rule = self._keys.get(key)
        if rule is None:
            return False
        kind, _, amount = rule.partition(":")
        if kind == "after":
            self._uses[key] = self._uses.get(key, 0) + 1
            return self._uses[key] <= int(amount)
        if kind == "for":
            now = time.monotonic()
            return now - self._since.setdefault(key, now) < float(amount.removesuffix("s"))
        return True
