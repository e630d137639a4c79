"""Runs cases against one client and hands out what happened: no command line, no pytest, no report in it."""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
import traceback
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

from conformance import judge, observe
from conformance.adapter import Adapter, AdapterBroken, Run
from conformance.case import VARIANTS, Case
from conformance.kit_check import kit_errors
from conformance.report import Report
from conformance.transcript import Evidence, transcript
from conformance.verdict import ADAPTER_BROKEN, FAILED, GREEN, KIT_BUG, TOO_LITTLE, CaseResult, CheckResult, Exit, Verdict
from mockserver.journal import Journal
from mockserver.testing import MockServer, MockSession

REQUEST: Mapping[str, Any] = {
    "model": "gpt-4.1",
    "messages": [{"role": "user", "content": "Say hello."}],
    "stream": True,
}
"""What a run asks unless its case says otherwise."""


def asked(told: Mapping[str, Any]) -> dict[str, Any]:
    """The request of a run that a case writes down: the usual one but for its own fields, with a prompt of so many bytes."""
    prompt = [{"role": "user", "content": "x" * told["prompt_bytes"]}] if "prompt_bytes" in told else REQUEST["messages"]
    return {**REQUEST, "messages": prompt, **told.get("request", {})}


BUSY_TRIES = 3
"""How often a case that a busy machine left open is done again."""

FIRST = "L0.happy"
"""The case that is run before all others."""


NETWORK = "network"
"""What a case needs of this machine and not of the client: a Toxiproxy."""


@dataclass(frozen=True, slots=True)
class Job:
    """One case over one dialect in one variant."""

    case: Case
    dialect: str
    variant: str | None = None

    @property
    def transport(self) -> str:
        return "sse" if self.dialect == "sse" else "ws"


def jobs_of(case: Case) -> Iterator[Job]:
    """All that a case is run as: over every dialect, and over SSE in its variants too."""
    for dialect in case.dialects():
        yield Job(case, dialect)
        if dialect == "sse":
            yield from (Job(case, dialect, variant) for variant in case.variants)


@dataclass(frozen=True)
class Routed(MockSession):
    """A session that clients get to in a roundabout way: `headers` are what they have to send besides their own."""

    headers: Mapping[str, str] = field(default_factory=dict)


Route = Callable[[MockSession], AbstractAsyncContextManager[MockSession]]
"""How clients get to a session: what it gives has the URLs they are told."""


@asynccontextmanager
async def direct(session: MockSession) -> AsyncIterator[MockSession]:
    """The session's own URLs."""
    yield session


@dataclass(frozen=True, slots=True)
class Results:
    """A whole run. `broken` says why the adapter could not be used."""

    hello: Mapping[str, Any]
    cases: tuple[CaseResult, ...]
    seconds: float
    broken: str | None = None
    stopped_at_l0: bool = False


@dataclass(slots=True)
class Engine:
    """`told` is called with each case's result as it comes, and `counted` before that with the number of jobs. `chosen` picks
    among the jobs of the cases; `route` says how the client gets to their sessions.

    `stop_at_l0` False goes on after a broken L0: only for clients that are known to be broken.
    """

    adapter: Adapter
    jobs: int | None = None
    transports: Sequence[str] = ()
    told: Callable[[CaseResult], None] = lambda _: None
    counted: Callable[[int], None] = lambda _: None
    stop_at_l0: bool = True
    chosen: Callable[[Job], bool] = lambda _: True
    route: Route = direct
    _lag: observe.Lag = field(default_factory=observe.Lag)
    _numbers: int = 0

    async def run(self, cases: Iterable[Case]) -> Results:
        """L0 first; if it fails nothing else runs."""
        began = time.monotonic()
        done: list[CaseResult] = []
        broken: str | None = None
        stopped = False
        try:
            async with self.opened() as server:
                jobs = list(self._jobs(cases))
                self.counted(len(jobs))
                honest = await self.honest(server, [job for job in jobs if job.case.level == "L0"], done)
                stopped = self.stop_at_l0 and not honest
                if not stopped:
                    rest = [job for job in jobs if job.case.level != "L0"]
                    await self._all(server, [job for job in rest if not job.case.alone], done)
                    for job in rest:
                        if job.case.alone:
                            await self._all(server, [job], done)
        except AdapterBroken as error:
            broken = str(error)
        broken = broken or _broken(self.adapter)
        return Results(dict(self.adapter.hello), tuple(done), time.monotonic() - began, broken, stopped)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[MockServer]:
        """The client greeted and the server up, both gone at the end. Raises AdapterBroken."""
        try:
            await self.adapter.start()
            async with MockServer() as server, self._lag:
                yield server
        finally:
            await self.adapter.stop()

    async def honest(self, server: MockServer, jobs: Sequence[Job], done: list[CaseResult]) -> bool:
        """Whether these, of L0, hold. One case first: a client that does nothing is not waited for once a case."""
        holds = True
        ordered = sorted(jobs, key=lambda job: job.case.id != FIRST)
        for some in (ordered[:1], ordered[1:]):
            await self._all(server, some, done)
            holds = not any(result.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE) for result in done)
            if self.stop_at_l0 and not holds:
                break
        return holds

    async def one(self, server: MockServer, job: Job) -> CaseResult:
        """One job by itself. Raises AdapterBroken."""
        done: list[CaseResult] = []
        await self._all(server, [job], done)
        if not done:
            raise AdapterBroken(_broken(self.adapter) or "nothing ran")
        return done[0]

    def _jobs(self, cases: Iterable[Case]) -> Iterable[Job]:
        declared = self.adapter.hello.get("transports", ("sse",))
        wanted = [name for name in declared if not self.transports or name in self.transports]
        return (job for case in cases for job in jobs_of(case) if job.transport in wanted and self.chosen(job))

    async def _all(self, server: MockServer, jobs: Sequence[Job], done: list[CaseResult]) -> None:
        """As many at once as the client declares, or `jobs`; what a busy machine left open is then done again, one by one."""
        at_once = min(self.jobs or 16, int(self.adapter.hello.get("concurrency", 1)))
        places = asyncio.Semaphore(at_once)

        again: list[Job] = []

        def tell(result: CaseResult) -> None:
            done.append(result)
            self.told(result)

        async def one(job: Job) -> None:
            async with places:
                if _broken(self.adapter):
                    return
                result = await self._judged(server, job)
            again.append(job) if judge.too_busy(result) else tell(result)

        await _together(one(job) for job in jobs)
        for job in again:
            if not _broken(self.adapter):
                tell(await self._patiently(server, job))

    async def _patiently(self, server: MockServer, job: Job) -> CaseResult:
        """One job by itself, until the machine lets it be told or has been too busy for it too often."""
        result = await self._judged(server, job)
        for _ in range(BUSY_TRIES - 1):
            if not judge.too_busy(result) or _broken(self.adapter):
                break
            result = await self._judged(server, job)
        return result

    async def _judged(self, server: MockServer, job: Job) -> CaseResult:
        began = time.monotonic()
        result = await self._result(server, job)
        return replace(result, seconds=time.monotonic() - began)

    async def _result(self, server: MockServer, job: Job) -> CaseResult:
        return self.skipped(job) or await self._once(server, job)

    def skipped(self, job: Job) -> CaseResult | None:
        """What becomes of a job that does not apply to this client, or not on this machine. The client has been greeted."""
        missing = [need for need in job.case.needs if need != NETWORK and not judge.declares(self.adapter.hello, need)]
        if missing:
            blocks = "" if all(map(judge.optional, missing)) else " (a requirement stays untested)"
            return judge.skipped(job.case, job.dialect, job.variant, f"not declared: {', '.join(missing)}{blocks}")
        if (job.case.observe_process or job.case.own_process) and self.adapter.another() is None:
            return judge.skipped(job.case, job.dialect, job.variant, "the client is no process that stays")
        if NETWORK in job.case.needs and (lacking := MockServer.no_network()):
            return judge.skipped(job.case, job.dialect, job.variant, lacking, machine=True)
        if job.case.observe_process and sys.platform != "linux":
            return judge.skipped(job.case, job.dialect, job.variant, "descriptors are counted on Linux only", machine=True)
        return None

    async def _once(self, server: MockServer, job: Job) -> CaseResult:
        async with self._sessions(server, job) as sessions, self._client(job) as adapter:
            runs = [self._instruction(job, number, sessions) for number in range(len(job.case.runs) * job.case.repeat)]
            with self._lag.measuring() as lag, observe.process(adapter.pid if job.case.observe_process else None) as seen:
                reports = await self._reports(adapter, job, runs)
                await self._settle(job, sessions)
                observed = seen.now()
            if adapter is not self.adapter:
                await adapter.stop()
                observed = observe.departed(observed, adapter.departure)
            for run in runs:
                adapter.forget(run["run"])
            journals = [_so_far(session.session.journal) for session in sessions.values()]
            evidence = Evidence(
                job.case.id,
                job.dialect,
                job.variant,
                self.adapter.hello,
                runs,
                reports,
                journals,
                time.monotonic(),
                lag.worst_ms,
                observed,
            )
            return await asyncio.to_thread(_verdict, job, evidence)

    @asynccontextmanager
    async def _sessions(self, server: MockServer, job: Job) -> AsyncIterator[dict[str, MockSession]]:
        """The case's session, and those its fail-over or other origin needs."""
        case = job.case
        options = dict(case.server.get("options", {}))
        scripts = {"main": case.server, **case.server.get("others", {})}
        sessions = {
            name: server.session(
                script_of(script, job.variant), own_port=case.own_port or name != "main", seed=1, **(options if name == "main" else {})
            )
            for name, script in scripts.items()
        }
        try:
            async with AsyncExitStack() as routes:
                yield {name: await routes.enter_async_context(self.route(session)) for name, session in sessions.items()}
        finally:
            for session in sessions.values():
                session.close()

    def _instruction(self, job: Job, number: int, sessions: Mapping[str, MockSession]) -> Run:
        """The run line: the case's own words with the URLs put in."""
        self._numbers += 1
        told = dict(job.case.runs[number % len(job.case.runs)])
        main = sessions["main"]
        run: Run = {
            "run": f"r{self._numbers}",
            "transport": job.transport,
            "base_url": main.base_url,
            "ws_url": f"{main.ws_url}?dialect={job.dialect}" if job.transport == "ws" else main.ws_url,
            "api_key": told.pop("api_key", None) or f"sk-streamproof-{secrets.token_hex(8)}",
            "request": asked(told),
        }
        if job.transport == "ws":
            run["dialect"] = job.dialect
        if isinstance(main, Routed):
            run["headers"] = dict(main.headers)
        if "fallback" in told:
            names = told.pop("fallback")
            run["fallback_urls"] = [sessions[name].base_url if job.transport == "sse" else sessions[name].ws_url for name in names]
        if told.pop("trust", False):
            run["ca_file"] = main.ca_file
        if "connection" in told:
            told["connection"] = f"{told['connection']}-{main.key}"
        controls = {name: value for name, value in told.items() if name in self.adapter.hello.get("controls", ()) or name == "stop"}
        return {**run, **controls, **({"next_api_keys": told["next_api_keys"]} if "next_api_keys" in told else {})}

    @asynccontextmanager
    async def _client(self, job: Job) -> AsyncIterator[Adapter]:
        """The adapter; for a case that wants one to itself, another that is started for it and is told bye at its end."""
        another = self.adapter.another() if job.case.own_process else None
        if another is None:
            yield self.adapter
            return
        await another.start()
        try:
            yield another
        finally:
            await another.stop()

    async def _reports(self, adapter: Adapter, job: Job, runs: Sequence[Run]) -> list[Report]:
        seconds = job.case.deadline_ms / 1000
        if job.case.together:
            return list(await asyncio.gather(*(adapter.run(run, seconds) for run in runs)))
        return [await adapter.run(run, seconds) for run in runs]

    async def _settle(self, job: Job, sessions: Mapping[str, MockSession]) -> None:
        """Watch for what the client still does after its result."""
        await asyncio.sleep(job.case.settle_ms / 1000)


async def _together(jobs: Iterable[Coroutine[Any, Any, None]]) -> None:
    """All of them at once; when one raises, or the caller is cancelled, none of the others is left behind."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _so_far(journal: Journal) -> Journal:
    """What has happened by now. It is read beside the loop, where a client that does not stop goes on adding to the journal, and the
    journal forgets the plans of its older requests."""
    now = copy(journal)
    now.requests = deque(map(copy, journal.requests), maxlen=journal.requests.maxlen)
    now.connections, now.keys = journal.connections.copy(), journal.keys.copy()
    return now


def _verdict(job: Job, evidence: Evidence) -> CaseResult:
    """A case judged. What goes wrong in that is the kit's own fault: it neither ends the other cases nor looks like the client's."""
    try:
        return judge.judge(job.case, transcript(evidence), job.variant, kit_errors(evidence.journals))
    except Exception as error:
        traceback.print_exc()
        broken = f"{job.case.id}: {type(error).__name__}: {error}"
        return replace(judge.skipped(job.case, job.dialect, job.variant, "the kit is broken"), kit_errors=(broken,))


def script_of(script: Mapping[str, Any], variant: str | None) -> Any:
    """A session's script with a variant's fault added to each turn."""
    if "profile" in script:
        return script["profile"]
    turns = [dict(turn or {}) for turn in script["turns"]]
    if variant is not None:
        turns = [{**turn, "faults": [*turn.get("faults", ()), VARIANTS[variant]]} for turn in turns]
    return {"turns": turns, "after": script.get("after", "stay")}


def _broken(adapter: Adapter) -> str | None:
    broken = getattr(adapter, "broken", None)
    return None if broken is None else str(broken)


UNTOLD = "not enough ran to tell: a check is inconclusive"


def lenient(check: CheckResult) -> bool:
    """Whether a check is in the way of green for those who are strict only."""
    return check.verdict is Verdict.WARN or (check.verdict is Verdict.NOT_APPLICABLE and check.severity != "INFO")


def exit_of(results: Results, strict: bool = False, stale: Sequence[str] = ()) -> Exit:
    """The exit code of a run and the reason for it."""
    verdicts = {check.verdict for case in results.cases for check in case.checks}
    kit = [error for case in results.cases for error in case.kit_errors]
    if results.broken:
        return Exit(ADAPTER_BROKEN, f"the adapter is broken: {results.broken}")
    if kit:
        return Exit(KIT_BUG, f"the kit did not do what it had planned: {kit[0]}")
    if results.stopped_at_l0:  # no baseline excuses it, and none is stale for what was not reached
        if Verdict.FAIL in verdicts or Verdict.INCONCLUSIVE not in verdicts:
            return Exit(ADAPTER_BROKEN, "the adapter is not honest: L0 failed, so nothing else was run")
        return Exit(TOO_LITTLE, UNTOLD)
    if Verdict.FAIL in verdicts:
        return Exit(FAILED, "a MUST is broken")
    if Verdict.UNEXPECTED_PASS in verdicts or stale:
        return Exit(FAILED, f"the baseline is stale: {'; '.join(stale) or 'a known failure passes'}")
    if Verdict.INCONCLUSIVE in verdicts:
        return Exit(TOO_LITTLE, UNTOLD)
    if not verdicts & {Verdict.PASS, Verdict.WARN, Verdict.INFO, Verdict.KNOWN_FAIL}:
        declared = "" if results.cases else f": the client declares {' and '.join(results.hello.get('transports', ())) or 'nothing'}"
        return Exit(TOO_LITTLE, f"nothing ran{declared}")
    if strict and any(lenient(check) for case in results.cases for check in case.checks):
        return Exit(FAILED, "a SHOULD is broken or a check did not apply (--strict)")
    return Exit(GREEN, "every MUST that was asked for holds")
