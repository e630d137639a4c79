"""`from conformance import check`: an async function under test, without an adapter."""

from __future__ import annotations

import asyncio
import functools
import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from conformance import check, check_sync
from conformance.adapter import Emit, Run
from conformance.function import Function
from mockserver.author_errors import AuthorError

HELLO = {"controls": ["cancel_after_events"], "name": "by-hand", "version": "1", "concurrency": 4}
TRUNCATED = "L2.truncation.clean-eof"


async def careful(run: Run, emit: Emit, *, careless: bool = False) -> Mapping[str, Any]:
    """A client of a few lines. A careless one takes every end for a good one."""
    text, finish_reason, deltas = "", None, 0
    headers = {"authorization": f"Bearer {run['api_key']}"}
    async with (
        httpx.AsyncClient(trust_env=False) as client,
        client.stream("POST", f"{run['base_url']}/chat/completions", json=run["request"], headers=headers) as response,
    ):
        if response.status_code != 200:
            return {"outcome": "error", "kind": "http", "status": response.status_code, "message": "refused"}
        async for line in response.aiter_lines():
            if line == "data: [DONE]":
                return {"outcome": "ok", "text": text, "finish_reason": finish_reason}
            if not line:
                continue
            (choice,) = json.loads(line.removeprefix("data:"))["choices"]
            finish_reason = choice["finish_reason"]
            if piece := choice["delta"].get("content"):
                text, deltas = text + piece, deltas + 1
                emit({"type": "delta", "text": piece})
            if deltas == run.get("cancel_after_events"):
                return {"outcome": "cancelled", "text": text}
    return {"outcome": "ok" if careless else "error", "kind": None if careless else "truncated", "text": text, "message": "cut"}


async def careless(run: Run, emit: Emit) -> Mapping[str, Any]:
    return await careful(run, emit, careless=True)


async def test_a_good_function_is_green() -> None:
    made = await check(careful, cases=[TRUNCATED], hello=HELLO)
    assert made.ok, str(made)
    assert made.broken == ()
    assert {each.id for each in made.cases} == {"L0.happy", "L0.http-500", "L0.cancel", TRUNCATED}
    assert made.report()["client"]["name"] == "by-hand"


async def test_a_careless_function_is_told_what_it_broke() -> None:
    made = await check(careless, cases=[TRUNCATED], hello=HELLO)
    assert (made.ok, made.exit.code) == (False, 1)
    assert [line.partition(":")[0] for line in made.broken] == [f"{TRUNCATED}[sse]/surfaced"]
    assert f"{TRUNCATED}[sse]/surfaced: fail" in str(made)


async def test_a_baseline_makes_it_green(tmp_path: Path) -> None:
    baseline = tmp_path / "known.txt"
    baseline.write_text(f"{TRUNCATED}/surfaced  this client never looks at how a stream ends\n")
    hushed = await check(careless, cases=[TRUNCATED], hello=HELLO, known_failing=baseline)
    assert hushed.ok, str(hushed)
    baseline.write_text("nonsense\n")
    with pytest.raises(AuthorError):
        await check(careless, known_failing=baseline)


async def test_a_function_that_raises_or_returns_nothing_passes_nothing() -> None:
    async def raises(run: Run, emit: Emit) -> None:
        raise RuntimeError("boom")

    async def silent(run: Run, emit: Emit) -> None:
        return None

    for client in (raises, silent):
        made = await check(client, levels=["L1"])
        assert not made.ok
        assert {each.level for each in made.cases} == {"L0"}
        assert not [each for each in made.cases if each.verdict == "pass"]


@pytest.mark.parametrize("raised", [asyncio.CancelledError(), SystemExit(3), TimeoutError("its own"), RuntimeError("boom")])
async def test_what_leaves_a_function_ends_its_run_and_nothing_else(raised: BaseException) -> None:
    async def raises(run: Run, emit: Emit) -> None:
        raise raised

    report = await Function(raises, HELLO).run({"run": "r1"}, 10)
    assert report.lost is not None
    assert report.lost.startswith("the client raised")


async def test_a_function_that_will_not_be_cancelled_is_not_waited_for() -> None:
    ended = asyncio.Event()

    async def stubborn(run: Run, emit: Emit) -> None:
        while not ended.is_set():
            with suppress(asyncio.CancelledError):
                await ended.wait()

    report = await asyncio.wait_for(Function(stubborn, HELLO).run({"run": "r1"}, 0.1), 5)
    ended.set()
    assert report.lost == "no result within 0.1 s"


async def test_a_function_that_blocks_does_not_hold_up_the_server() -> None:
    def blocking(run: Run, emit: Emit) -> Mapping[str, Any]:
        return asyncio.run(careful(run, emit))

    class Called:
        async def __call__(self, run: Run, emit: Emit) -> Mapping[str, Any]:
            return await careful(run, emit)

    for client in (blocking, Called(), lambda run, emit: careful(run, emit), functools.partial(careful, careless=False)):
        made = await check(client, levels=["L0"], hello=HELLO)
        assert made.ok, str(made)


async def test_levels_and_transports_narrow_what_is_run() -> None:
    made = await check("reference-python", levels=["L0"], transports=["sse"])
    assert made.ok, str(made)
    assert {(each.level, each.transport) for each in made.cases} == {("L0", "sse")}


async def test_what_is_asked_wrongly_is_told() -> None:
    with pytest.raises(ValueError, match="retry"):
        await check(careful, hello={"retry": "always"})
    with pytest.raises(LookupError, match=r"L2\.truncation\.clean-eof"):
        await check(careful, cases=["L2.truncation.clean-eov"])
    with pytest.raises(LookupError, match="reference-node"):
        await check("reference-nod")


def test_check_sync_is_for_code_without_a_loop() -> None:
    assert check_sync(careful, levels=["L0"], hello=HELLO).ok


def test_the_package_imports_nothing_before_it_is_used() -> None:
    source = "import sys, conformance; print('asyncio' in sys.modules, 'mockserver.testing' in sys.modules, conformance.check.__name__)"
    printed = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True).stdout
    assert printed.split() == ["False", "False", "check"]


def test_a_name_it_does_not_have_is_an_attribute_error() -> None:
    import conformance

    with pytest.raises(AttributeError, match="chekc"):
        _ = conformance.chekc  # type: ignore[attr-defined]
