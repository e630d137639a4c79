"""The kit as a library: an async function, or a command, through every case.

    async def client(run, emit):
        async for piece in my_stream(run["base_url"], run["api_key"], run["request"]):
            emit({"type": "delta", "text": piece})
        return {"outcome": "ok", "text": …, "finish_reason": "stop"}

`run` and what is emitted are the lines of the adapter protocol (`schemas/adapter.schema.json`) as mappings; `type` and `run` of the
result may be left out. An exception that leaves the function is no result: a client has to tell its caller what went wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from conformance import baseline, checked, clients
from conformance.adapter import Adapter, read_hello
from conformance.checked import Checked
from conformance.engine import Engine
from conformance.function import Client, Function

HELLO: Mapping[str, Any] = {"type": "hello", "protocol": 1, "language": "python", "transports": ["sse"], "controls": [], "retry": "none"}
"""What a function is taken to declare where its `hello` says nothing else."""


async def check(
    client: Client | str,
    *,
    levels: Iterable[str] = (),
    cases: Iterable[str] = (),
    transports: Iterable[str] = (),
    hello: Mapping[str, Any] | None = None,
    known_failing: Path | str | None = None,
    requirements: str | None = None,
    strict: bool = False,
    jobs: int | None = None,
) -> Checked:
    """Judge a client. `client` is a function `(run, emit)`, or a command or name as for `check --client`. A function that is not async
    is called in a thread.

    `levels` and `cases` (ids, with `*`) narrow what is run; L0 always is. `hello` says what a function can do: `transports`,
    `controls`, `capabilities`, `retry`, `concurrency`, `name`, `version`. The rest are the flags of `streamproof check`.
    Raises ValueError for a hello that the protocol does not allow, LookupError for a case that does not exist, AuthorError for a
    wrong baseline file.
    """
    adapter = clients.process(client) if isinstance(client, str) else _function(client, hello or {})
    known = baseline.load(Path(known_failing)) if known_failing is not None else ()
    wanted = checked.Wanted(tuple(levels), tuple(cases), known, requirements, strict=strict)
    return await checked.run(Engine(adapter, jobs, tuple(transports)), wanted)


def check_sync(client: Client | str, **options: Any) -> Checked:
    """The same from code that runs in no event loop; `options` are those of `check`."""
    return asyncio.run(check(client, **options))


def _function(client: Client, hello: Mapping[str, Any]) -> Adapter:
    name = getattr(client, "__name__", type(client).__name__)
    return Function(client, read_hello({**HELLO, "name": name, **hello}))
