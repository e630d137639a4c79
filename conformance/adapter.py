"""What drives one client, and the lines that one may say: JSON, one a line, each of them validated."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Protocol

from conformance.observe import Departure
from conformance.report import Report
from mockserver.bundled import bundled

HELLO_SECONDS = 10.0
BYE_SECONDS = 3.0
"""How long a client's process has for leaving once nothing more is wanted of it."""

Hello = Mapping[str, Any]
Run = dict[str, Any]
Emit = Callable[[Mapping[str, Any]], None]


class AdapterBroken(Exception):
    """The adapter does not keep the protocol: no hello in time, an invalid line, or an exit before any result."""


class Adapter(Protocol):
    """`hello` is valid once it has started. `run` returns the client's report, also when it lost the run."""

    hello: Hello
    departure: Departure | None

    def another(self) -> Adapter | None:
        """A second one of its kind, not yet started; None where there is no process to start."""

    async def start(self) -> None: ...

    async def run(self, run: Run, seconds: float) -> Report: ...

    def forget(self, run: str) -> None: ...

    async def stop(self) -> None: ...

    @property
    def pid(self) -> int | None: ...


@cache
def _valid_line() -> Any:
    from jsonschema_rs import validator_for

    schema = json.loads((bundled("schemas") / "adapter.schema.json").read_text(encoding="utf-8"))
    return validator_for({"$ref": "#/$defs/from_adapter", "$defs": schema["$defs"]})


def read_line(raw: bytes) -> Mapping[str, Any]:
    """One line of an adapter. Raises AdapterBroken saying what is wrong with it."""
    try:
        said = json.loads(raw.decode("utf-8-sig"), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise AdapterBroken(f"a line that is not JSON: {_shown(raw)}") from None
    error = next(_valid_line().iter_errors(said), None)
    if error is not None:
        where = "/".join(map(str, error.instance_path))
        raise AdapterBroken(f"a line that breaks the protocol at '{where}': {error.message}: {_shown(raw)}")
    line: Mapping[str, Any] = _whole_characters(said) if b"\\u" in raw else said
    return line


def read_hello(said: Mapping[str, Any]) -> Hello:
    """A hello as the protocol allows it. Raises ValueError."""
    try:
        return read_line(json.dumps(said).encode())
    except AdapterBroken as error:
        raise ValueError(f"the hello is {error}") from None


def _no_number(name: str) -> None:
    """JSON has no NaN and no infinity (RFC 8259 §6), and nothing that is written down may hold one."""
    raise ValueError(name)


def _whole_characters(said: Any) -> Any:
    """JSON can say half a surrogate pair; nothing that is written down can hold one."""
    text = json.dumps(said, ensure_ascii=False)
    return json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def _shown(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace").strip()
    return text if len(text) <= 300 else text[:300] + " …"
