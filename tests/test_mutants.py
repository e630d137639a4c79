"""Each mutant fails exactly the checks its row of the table says, and every check is failed by some mutant.

The table is made over the whole corpus (`make mutants`). Here each mutant is run through a sample: some of the cases it
fails, and some that it passes; what it fails among them must be equal to its row.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from conformance.case import Case, corpus
from conformance.engine import NETWORK
from conformance.mutants import _killing
from mockserver.testing import MockServer

FAILED_CASES, PASSED_CASES = 9, 5
CORPUS = {case.id: case for case in corpus()}


def sample(name: str) -> tuple[Case, ...]:
    """The same cases for a mutant every time, but for those that must be run alone and take long."""
    lacking = {NETWORK} if MockServer.no_network() else set()
    quick = {case_id for case_id, case in CORPUS.items() if not case.alone and not lacking.intersection(case.needs)}
    failed = sorted(_killing.cases_of(_killing.table()[name]) & quick)
    others = sorted(quick - set(failed))
    random = Random(name)
    chosen = random.sample(failed, min(FAILED_CASES, len(failed))) + random.sample(others, PASSED_CASES)
    return tuple(CORPUS[case_id] for case_id in chosen)


def test_every_mutant_has_a_row_and_fails_something() -> None:
    assert set(_killing.table()) == set(_killing.mutants())
    assert [name for name, row in _killing.table().items() if not row] == []


def test_the_table_names_cases_that_exist() -> None:
    assert {case for row in _killing.table().values() for case in _killing.cases_of(row)} <= set(CORPUS)


def test_every_check_is_failed_by_some_mutant() -> None:
    assert _killing.unkilled(tuple(CORPUS.values()), _killing.table()) == ()


async def differences(name: str, cases: Sequence[Case]) -> frozenset[str]:
    """The checks a mutant fails and should not, or should and does not."""
    chosen = {case.id for case in cases}
    expected = {check for check in _killing.table()[name] if check.partition("[")[0] in chosen}
    results = await _killing.run(name, cases)
    failed = set(_killing.failing(results))
    return frozenset(failed ^ expected) - _killing.unsteady().get(name, frozenset()) - _killing.left_open(results)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", _killing.mutants())
async def test_a_mutant_fails_what_its_row_says(name: str) -> None:
    """A difference counts when it shows again: on a busy machine a defect that is a race may win one of them."""
    cases, different = sample(name), frozenset[str]()
    for _ in range(_killing.TRIES):
        different = await differences(name, cases)
        cases = tuple(CORPUS[case] for case in sorted(_killing.cases_of(different)))
        if not cases:
            return
    assert not different
