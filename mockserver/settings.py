"""How a server was asked to run. Flags, environment variables and the config file share these names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from mockserver.access import KeyRule
from mockserver.limits import UNLIMITED, Limits
from mockserver.turns import UNPACED, Chaos, Pace, Script

if TYPE_CHECKING:
    from mockserver.model.rules import Rules
    from mockserver.network import Network

MAX_BODY = 32 * 1024 * 1024
"""Bytes of the largest request body that is read; a larger one is answered 413."""
MAX_WORKERS = 1024
"""Processes of one server: more than any machine has processors for."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`api_keys` empty: any key that is not empty is accepted. `models` empty: any model is known. Times are seconds.

    `store` is where several processes keep what they share (None: in this one's memory). `worker` is the number of this process,
    from 0, among the `workers` of one server, which they all call `server`; it is a `successor` where another one died.
    """

    host: tuple[str, ...] = ("127.0.0.1", "::1")
    port: int = 8080
    seed: int | None = None
    flavour: str = "openai"
    pace: Pace = UNPACED
    script: Script = Script()
    profile: str | None = None
    models: tuple[str, ...] = ()
    api_keys: Mapping[str, KeyRule] = field(default_factory=dict)
    lenient: bool = False
    mode: Literal["generate", "echo"] = "generate"
    rules: Rules | None = None
    chaos: tuple[Chaos, ...] = ()
    limits: Limits = UNLIMITED
    max_body: int = MAX_BODY
    max_connections: int = 10_000
    control: bool = True
    control_token: str | None = None
    tls: str | None = None
    journal_file: str | None = None
    watch_load: bool = False
    store: str | None = None
    workers: int = 1
    worker: int | None = None
    successor: bool = False
    server: str = ""
    network: Network | None = None
