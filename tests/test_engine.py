"""The engine keeps its own mistakes apart from the client's, and a client that does not stop does not disturb it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientSession

from conformance import engine
from conformance.adapter import Emit, Run
from conformance.case import Case, Check, corpus
from conformance.engine import Engine, Results, exit_of
from conformance.function import Function
from conformance.verdict import KIT_BUG, Verdict
from mockserver.journal import Journal
from mockserver.plan import NOTHING, Plan

HELLO = {"type": "hello", "protocol": 1, "name": "under-test", "transports": ["sse"], "retry": "none", "concurrency": 4}
CORPUS = {case.id: case for case in corpus()}
HAPPY = CORPUS["L1.text.exact"]

pytestmark = pytest.mark.timeout(60)


async def ask(run: Run, client: ClientSession) -> None:
    headers = {"Authorization": f"Bearer {run['api_key']}"}
    async with client.post(f"{run['base_url']}/chat/completions", json=run["request"], headers=headers) as response:
        await response.read()


async def tells_nothing(run: Run, emit: Emit) -> Mapping[str, Any]:
    async with ClientSession() as client:
        await ask(run, client)
    return {"outcome": "ok", "text": ""}


async def results_of(*cases: Case) -> Results:
    return await Engine(Function(tells_nothing, HELLO), stop_at_l0=False).run(cases)


def unjudgeable(case: Case) -> Case:
    """A case with a check that nobody can judge."""
    return replace(case, id=f"{case.id}.broken", checks=(Check("broken", "MUST", {"$ref": "#/$defs/no-such-expectation"}),))


async def test_a_check_that_cannot_be_judged_is_the_kits_mistake() -> None:
    results = await results_of(unjudgeable(HAPPY), HAPPY)
    broken = [case for case in results.cases if case.kit_errors]
    assert {case.id for case in broken} == {f"{HAPPY.id}.broken"}
    assert {case.verdict for case in broken} == {Verdict.NOT_APPLICABLE}
    assert any(case.verdict == Verdict.FAIL for case in results.cases if case.id == HAPPY.id), "the other cases are judged all the same"
    assert exit_of(results).code == KIT_BUG


async def test_a_client_that_goes_on_after_its_result_is_judged() -> None:
    """Its requests are still being journalled while those before are read."""
    going_on: list[asyncio.Task[None]] = []

    async def never_stops(run: Run, emit: Emit) -> Mapping[str, Any]:
        async def again_and_again() -> None:
            async with ClientSession() as client:
                while True:
                    await ask(run, client)

        going_on.extend(asyncio.create_task(again_and_again()) for _ in range(4))
        return {"outcome": "ok", "text": ""}

    try:
        results = await Engine(Function(never_stops, HELLO), stop_at_l0=False).run([CORPUS["L2.http.500"]])
    finally:
        for task in going_on:
            task.cancel()
        await asyncio.gather(*going_on, return_exceptions=True)
    assert [case.kit_errors for case in results.cases] == [()]
    assert results.cases[0].verdict == Verdict.FAIL


def test_what_is_judged_keeps_its_plans() -> None:
    journal = Journal("s")
    entry = journal.request(1, 0.0)
    entry.plan = plan = Plan(NOTHING, ())
    judged = engine._so_far(journal)
    entry.condense()
    assert [each.plan for each in judged.requests] == [plan]
    assert entry.plan is None


async def test_an_engine_that_raises_leaves_nothing_running() -> None:
    class Broken(Function):
        async def run(self, run: Run, seconds: float) -> Any:
            if self.asked:
                raise RuntimeError("the engine broke")
            self.asked = True
            await asyncio.sleep(30)

        asked = False

    before = asyncio.all_tasks()
    with pytest.raises(RuntimeError, match="the engine broke"):
        await Engine(Broken(tells_nothing, HELLO), stop_at_l0=False).run([HAPPY, CORPUS["L1.eol.cr"]])
    assert asyncio.all_tasks() == before


def test_a_prompt_is_as_long_as_its_run_says() -> None:
    told = {"prompt_bytes": 70_000, "request": {"n": 2}}
    request = engine.asked(told)
    assert (len(request["messages"][0]["content"]), request["n"], request["stream"]) == (70_000, 2, True)
    assert engine.asked({})["messages"] == [{"role": "user", "content": "Say hello."}]
