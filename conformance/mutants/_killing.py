"""Which checks each mutant fails: the table, and how it is made.

`table.json` holds, for every mutant, the checks of the whole corpus that it fails (`case[where]/check`). It is written by
`make mutants` and compared for equality, but for what `unsteady.json` lists: what a mutant failed in some looks and not in others.
A check that stands in no row is killed by no mutant, and so may say nothing: it gets a mutant, or goes.
"""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from conformance.case import Case, corpus
from conformance.engine import Engine, Results
from conformance.judge import TOO_BUSY
from conformance.process import Process
from conformance.verdict import Verdict
from mockserver import registry

TABLE = Path(__file__).parent / "table.json"
UNSTEADY = Path(__file__).parent / "unsteady.json"
TRIES = 3
BROKEN = (Verdict.FAIL, Verdict.WARN, Verdict.INFO)


class Row(NamedTuple):
    """The checks that a mutant fails, and those that it fails in some runs and not in others."""

    fails: Sequence[str]
    unsteady: Sequence[str]


def mutants() -> tuple[str, ...]:
    """Every mutant's name, as its file has it."""
    return tuple(name.replace("-", "_") for name in registry.names("conformance.mutants"))


@cache
def table() -> Mapping[str, tuple[str, ...]]:
    """The checks each mutant fails."""
    rows: dict[str, list[str]] = json.loads(TABLE.read_text(encoding="utf-8"))
    return {name: tuple(checks) for name, checks in rows.items()}


@cache
def unsteady() -> Mapping[str, frozenset[str]]:
    """The checks a mutant fails in some runs and not in others, because its defect is a race: nothing is expected of them."""
    rows: dict[str, list[str]] = json.loads(UNSTEADY.read_text(encoding="utf-8"))
    return {name: frozenset(checks) for name, checks in rows.items()}


def failing(results: Results) -> tuple[str, ...]:
    """The checks of a run that are broken, sorted."""
    return tuple(sorted(f"{case.name}/{check.id}" for case in results.cases for check in case.checks if check.verdict in BROKEN))


def left_open(results: Results) -> frozenset[str]:
    """The checks of a run that the machine was too busy to tell: whether the mutant fails them was not seen."""
    return frozenset(f"{case.name}/{check.id}" for case in results.cases for check in case.checks if check.reason == TOO_BUSY)


async def run(name: str, cases: Iterable[Case]) -> Results:
    """One mutant through some cases. L0 is run as any level is: a mutant may be broken there."""
    command = f"{shlex.quote(sys.executable)} -m conformance.mutants {name}"
    return await Engine(Process(command), stop_at_l0=False).run(cases)


def cases_of(checks: Iterable[str]) -> frozenset[str]:
    """The ids of the cases that some checks belong to."""
    return frozenset(check.partition("[")[0] for check in checks)


def unkilled(cases: Sequence[Case], rows: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The checks, as `case/check`, that no mutant fails."""
    killed = {f"{check.partition('[')[0]}/{check.rpartition('/')[2]}" for row in rows.values() for check in row}
    return tuple(name for case in cases for check in case.checks if (name := f"{case.id}/{check.id}") not in killed)


async def seen(name: str, cases: Sequence[Case]) -> frozenset[str]:
    """The checks of some cases that a mutant fails. A case that the machine was too busy to tell is run again."""
    failed = set[str]()
    for _ in range(TRIES):
        results = await run(name, cases)
        failed |= set(failing(results))
        untold = cases_of(left_open(results))
        cases = [case for case in cases if case.id in untold]
        if not cases:
            break
    return frozenset(failed)


async def row(name: str, ids: Sequence[str]) -> Row:
    """What a mutant fails of the cases of some ids, or of all. What the table does not say is looked at again: what fails in some
    of these looks only is unsteady."""
    cases = [case for case in corpus() if case.id in ids or not ids]
    known = {check for check in table().get(name, ()) if cases_of([check]) & {case.id for case in cases}}
    fails = await seen(name, cases)
    doubtful = cases_of((fails ^ known) - unsteady().get(name, frozenset()))
    again = [case for case in cases if case.id in doubtful]
    looks = [fails, *[await seen(name, again) for _ in range(TRIES - 1) if again]]
    settled = frozenset(check for check in fails if not cases_of([check]) & doubtful)
    always, ever = frozenset.intersection(*looks), frozenset.union(*looks)
    return Row(sorted(settled | always), sorted(ever - settled - always))


async def write(names: Sequence[str], ids: Sequence[str] = (), at_once: int = 4) -> None:
    """Run mutants through the cases of some ids, or through the whole corpus, and write what they fail there into their rows."""
    places = asyncio.Semaphore(at_once)

    async def one(name: str) -> None:
        async with places:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "conformance.mutants", "row", name, *ids, stdout=asyncio.subprocess.PIPE
            )
            out, _ = await process.communicate()
        found = Row(**json.loads(out))
        note(TABLE, name, found.fails, ids)
        note(UNSTEADY, name, {*unsteady().get(name, ()), *found.unsteady}, ids)
        sys.stderr.write(f"{name}: {len(found.fails)} checks fail, {len(found.unsteady)} in some runs only\n")

    await asyncio.gather(*(one(name) for name in names))
    table.cache_clear()
    for name in unkilled(corpus(), table()):
        sys.stderr.write(f"no mutant fails {name}\n")


def note(file: Path, name: str, checks: Iterable[str], ids: Sequence[str]) -> None:
    """Put into a file a mutant's checks of some cases, or of all, and leave out what is no longer there."""
    rows: dict[str, list[str]] = json.loads(file.read_text(encoding="utf-8"))
    others = [check for check in rows.get(name, ()) if ids and check.partition("[")[0] not in ids]
    rows[name] = sorted({*others, *checks})
    known = {case.id for case in corpus()}
    kept = {each: [check for check in rows[each] if check.partition("[")[0] in known] for each in sorted(rows) if each in mutants()}
    file.write_text(json.dumps({each: row for each, row in kept.items() if row}, indent=0) + "\n", encoding="utf-8")
