"""The page of the cases is generated: nothing is missing on it, and a page that is out of date is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.case import Case, Check, corpus, expectation
from tools import derive_cases_doc

CORPUS = {case.id: case for case in corpus()}


def text_of(case: Case) -> str:
    return "\n".join(derive_cases_doc.section(case))


def test_the_committed_page_is_the_derived_one() -> None:
    assert derive_cases_doc.PAGE.read_text("utf-8") == derive_cases_doc.page(corpus()), "make schemas writes it anew"


@pytest.mark.parametrize("id", ["L0.happy", "L2.truncation.clean-eof"])
def test_a_case_has_all_that_it_says(id: str) -> None:
    case, text = CORPUS[id], text_of(CORPUS[id])
    for wanted in (
        f"### {id}",
        case.title,
        case.rule,
        case.why,
        *case.spec,
        *case.sources,
        *case.dialects(),
        *(check.id for check in case.checks),
    ):
        assert wanted in text


def test_what_the_server_does_is_shown_with_times_and_endings() -> None:
    shown = text_of(CORPUS["L0.cancel"])
    assert '    0.070 s    297 B  content      …"delta":{"content":"two"}' in shown
    assert "done         data: [DONE]" in shown
    assert 'The client is told `{"cancel_after_events": 2}`.' in shown
    assert "\x1b" not in shown


def test_the_meaning_of_a_check_is_the_vocabulary_s() -> None:
    made = Check("both", "MUST", expectation(["error-surfaced", {"properties": {"x": {"const": "a|b"}}}]), "A reason of its own.")
    meaning = derive_cases_doc.meaning(made)
    assert meaning.startswith("The ")
    assert '"const": "a|b"' in meaning
    assert meaning.endswith("A reason of its own.")
    row = next(line for line in text_of(replace(CORPUS["L0.happy"], checks=(made,))).splitlines() if line.startswith("| both"))
    assert "a\\|b" in row


def test_contents_lead_to_the_levels() -> None:
    page = derive_cases_doc.page(corpus())
    for level in ("l0-the-adapter-is-honest", "l2-errors-and-truncation", "l5-limits-for-information"):
        assert f"(#{level})" in page
