"""What stands behind the items of pytest: the engine, and the results it has made so far."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from conformance import baseline, case, checked, judge
from conformance.adapter import Adapter, AdapterBroken
from conformance.engine import Engine, Job, jobs_of
from conformance.running import adapter_for
from conformance.verdict import CaseResult
from mockserver.author_errors import AuthorError, Mistake
from mockserver.testing import MockServer

DISHONEST = "the adapter is not honest: L0 failed, so nothing else is run"
Place = tuple[str, str, str | None]


@dataclass
class Bench:
    """The jobs that may be asked for, and their results as they are made. `one_by_one` judges each as it is asked for, with one
    client and one server kept open; else all that are selected are judged at the first question. `counted` are the checks, by case and
    id, of the requirement set."""

    adapter: Adapter
    jobs: tuple[Job, ...]
    known: tuple[baseline.Known, ...] = ()
    counted: frozenset[tuple[str, str]] = frozenset()
    at_once: int | None = None
    one_by_one: bool = False
    _results: dict[Place, CaseResult] = field(default_factory=dict)
    _trouble: str | None = None
    _runner: asyncio.Runner = field(default_factory=asyncio.Runner)
    _open: tuple[AsyncExitStack, Engine, MockServer] | None = None

    @classmethod
    def of(
        cls,
        *,
        client: str,
        one_shot: bool,
        levels: Iterable[str],
        globs: Sequence[str],
        transports: Sequence[str],
        known_failing: Path | None,
        requirements: str | None,
        jobs: int | None,
        one_by_one: bool,
    ) -> Bench:
        """From the options. Raises LookupError, AuthorError and OSError for what is asked wrongly."""
        corpus = case.corpus()
        chosen = case.select(corpus, levels, globs)
        selected = tuple(job for each in chosen for job in jobs_of(each) if not transports or job.transport in transports)
        known = baseline.load(known_failing) if known_failing is not None else ()
        _refuse_stale(known, corpus, known_failing)
        counted = checked.in_requirements(corpus, requirements)
        return cls(adapter_for(client, one_shot), selected, known, counted, jobs, one_by_one)

    def result(self, job: Job, selected: Sequence[Job]) -> CaseResult | str:
        """What came of a job, as the baseline sees it; or why nothing did."""
        if not self.speaks(job):
            return self._undeclared(job)
        if _place(job) not in self._results and self._trouble is None:
            try:
                self._runner.run(self._single(job) if self.one_by_one else self._batch(selected))
            except AdapterBroken as error:
                self._trouble = f"the adapter is broken: {error}"
        found = self._results.get(_place(job))
        if found is not None:
            return baseline.apply(self.known, [checked.required(found, self.counted)])[0]
        return self._undeclared(job) if self._trouble is None else self._trouble

    def speaks(self, job: Job) -> bool:
        """Whether the client, as far as it has said, speaks the job's transport."""
        return job.transport in (self.adapter.hello.get("transports") or (job.transport,))

    def stale(self, result: CaseResult) -> tuple[str, ...]:
        """The lines of the baseline about this result that do not apply to the client any more. The client has been greeted."""
        about = [entry for entry in self.known if not baseline.beyond([entry], [result])]
        return baseline.stale(about, self._foreseen) if about else ()

    @cached_property
    def _foreseen(self) -> tuple[CaseResult, ...]:
        """What the client's hello tells of every job."""
        engine = Engine(self.adapter)
        every = (job for each in case.corpus() for job in jobs_of(each))
        return tuple(
            engine.skipped(job) or judge.unjudged(job.case, job.dialect, job.variant, self.adapter.hello)
            if self.speaks(job)
            else self._undeclared(job)
            for job in every
        )

    def close(self) -> None:
        """Let the client go."""
        if self._open is not None:
            self._runner.run(self._open[0].aclose())
        self._runner.close()

    def _undeclared(self, job: Job) -> CaseResult:
        return judge.skipped(job.case, job.dialect, job.variant, f"not declared: transport {job.transport}")

    async def _batch(self, selected: Sequence[Job]) -> None:
        places = {_place(job) for job in selected}
        engine = Engine(self.adapter, self.at_once, chosen=lambda job: job.case.level == "L0" or _place(job) in places)
        results = await engine.run({each.id: each for each in (*_honesty(), *(job.case for job in selected))}.values())
        self._keep(results.cases)
        if results.broken is not None:
            self._trouble = f"the adapter is broken: {results.broken}"
        elif results.stopped_at_l0:
            self._trouble = DISHONEST

    async def _single(self, job: Job) -> None:
        if self._open is None:
            stack, engine = AsyncExitStack(), Engine(self.adapter, self.at_once)
            server = await stack.enter_async_context(engine.opened())
            self._open = stack, engine, server
            done: list[CaseResult] = []
            spoken = self.adapter.hello["transports"]
            first = [each for honest in _honesty() for each in jobs_of(honest) if each.transport in spoken]
            if not await engine.honest(server, first, done):
                self._trouble = DISHONEST
            self._keep(done)
        stack, engine, server = self._open
        if self._trouble is None and job.transport in self.adapter.hello["transports"] and _place(job) not in self._results:
            self._keep([await engine.one(server, job)])

    def _keep(self, results: Iterable[CaseResult]) -> None:
        self._results |= {(result.id, result.transport, result.variant): result for result in results}


def _place(job: Job) -> Place:
    return job.case.id, job.dialect, job.variant


def _honesty() -> tuple[case.Case, ...]:
    return case.select(case.corpus(), ["L0"])


def _refuse_stale(known: Sequence[baseline.Known], corpus: Iterable[case.Case], path: Path | None) -> None:
    every = [judge.skipped(each, job.dialect, job.variant, "") for each in corpus for job in jobs_of(each)]
    mistakes = [Mistake(str(path), 1, line) for line in baseline.stale(known, (), every)]
    if mistakes:
        raise AuthorError(mistakes)
