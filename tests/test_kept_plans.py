"""A plan that is kept serves requests that are alike in what it was made from: the bytes are those of a plan made anew."""

from __future__ import annotations

from itertools import product
from random import Random
from typing import Any

import pytest

from mockserver.compile import Write
from mockserver.exchange import CACHED_BYTES, CACHED_PLANS, Call, Exchange, Prepared
from mockserver.noted import Noted
from mockserver.profiles import Shelf
from mockserver.registry import names
from mockserver.session_options import read_options
from mockserver.sessions import Session
from mockserver.settings import Settings
from mockserver.turns import Pace

SHELF = Shelf()
TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}}}]
ANSWERS: dict[str, Any] = {
    "text": {"content": ["Hel", "lo"]},
    "called": {"tool_calls": [{"name": "look", "arguments": {"at": "it"}}, {"name": "look"}]},
    "counted": {"content": "Hello", "usage": {"prompt_tokens": 7}},
    "thought": {"reasoning": ["hm"]},
    "nothing": None,
}
WORDS = ("Say something.", "Call `look` now, please, and say more than before.", "Hãy kể chuyện.")
ASKED: tuple[dict[str, Any], ...] = (
    {},
    {"stream_options": {"include_usage": True}},
    {"stream_options": {"include_obfuscation": False}},
    {"logprobs": True, "top_logprobs": 2},
    {"n": 2},
    {"tools": TOOLS},
    {"tools": TOOLS, "tool_choice": "required"},
    {"seed": 3},
    {"service_tier": "flex"},
    {"max_tokens": 3},
    {"stream": False},
    {"model": "o4-mini"},
    {"temperature": 0.5},
)


def exchange(seed: int | None = 5) -> Exchange:
    return Exchange(Settings(seed=seed), SHELF.knows)


def session(answer: Any, **options: Any) -> Session:
    made = Session("s")
    read = read_options({"turns": [{} if answer is None else {"answer": answer}], "after": "repeat", **options}, SHELF)
    made.script, made.flavour = read.script, read.flavour
    made.restart()
    return made


def call(exchange: Exchange, session: Session, body: dict[str, Any], number: int = 0) -> Call:
    asked = exchange.understand(body).request
    assert not hasattr(asked, "status")
    return Call(asked, session, number, session.script.turns[0], "sse" if body["stream"] else "json")


def body(said: str, more: dict[str, Any]) -> dict[str, Any]:
    return {"model": "gpt-4.1", "messages": [{"role": "user", "content": said}], "stream": True, **more}


def written(exchange: Exchange, call: Call, prepared: Prepared) -> tuple[Any, ...]:
    slug = exchange.slug(prepared, call)
    acts = [(act.due, slug.join(act.segments)) if isinstance(act, Write) else act for act in prepared.compiled.acts]
    return (prepared.compiled.status, prepared.compiled.head, *acts)


@pytest.mark.parametrize("flavour", names("mockserver.flavours"))
@pytest.mark.parametrize("answer", ANSWERS)
def test_a_kept_plan_says_what_a_new_one_would(flavour: str, answer: str) -> None:
    kept, told = exchange(), session(ANSWERS[answer], flavour=flavour)
    asked = [body(said, more) for said, more in product(WORDS, ASKED)]
    Random(1).shuffle(asked)
    for each in (*asked, *asked):
        new, mine = exchange(), call(kept, told, each)
        same = call(new, told, each)
        assert written(kept, mine, kept.prepare(mine)) == written(new, same, new.prepare(same)), each


@pytest.mark.parametrize(
    ("answer", "first", "second", "one"),
    [
        ("text", body("a", {}), body("quite another question", {"temperature": 1}), True),
        ("text", body("a", {"tools": TOOLS}), body("b", {}), True),
        ("text", body("a", {}), body("a", {"model": "gpt-4.1-mini"}), False),
        ("text", body("a", {}), body("a", {"n": 2}), False),
        ("text", body("a", {"stream_options": {"include_usage": True}}), body("b c", {"stream_options": {"include_usage": True}}), False),
        ("counted", body("a", {"stream_options": {"include_usage": True}}), body("b c", {"stream_options": {"include_usage": True}}), True),
        ("called", body("a", {}), body("b", {}), False),
        ("nothing", body("a", {}), body("b", {}), False),
    ],
)  # fmt: skip
def test_what_is_made_once_for_both(answer: str, first: dict[str, Any], second: dict[str, Any], one: bool) -> None:
    """An id that is drawn, a count of the prompt and a text that is made up follow from what was said; a text that is given does not."""
    kept, told = exchange(), session(ANSWERS[answer])
    assert (kept.prepare(call(kept, told, first)).plan is kept.prepare(call(kept, told, second)).plan) is one


def test_a_request_that_sees_more_takes_nothing_from_one_that_sees_less() -> None:
    kept, told = exchange(), session(ANSWERS["text"])
    plain = kept.prepare(call(kept, told, body("a", {})))
    kept.prepare(call(kept, told, body("a", {"stream_options": {"include_usage": True}})))
    assert kept.prepare(call(kept, told, body("b", {}))).plan is plain.plan


def test_the_plans_that_are_kept_are_bounded() -> None:
    kept, told = exchange(), session({"content": ["x" * (CACHED_BYTES // 20)]})
    for number in range(60):
        kept.prepare(call(kept, told, body("a", {"model": f"model-{number}"})))
    assert 10 < len(kept._plans) < 20
    assert kept._plan_bytes <= CACHED_BYTES
    small = session({"content": ["x"]})
    for number in range(CACHED_PLANS + 50):
        kept.prepare(call(kept, small, body("a", {"model": f"model-{number}"})))
    assert len(kept._plans) <= CACHED_PLANS


def test_what_is_made_again_is_counted_once() -> None:
    """The ways of a turn may be forgotten before its plans are."""
    kept, told = exchange(), session(ANSWERS["text"])
    for model in ("first", "second"):
        kept.prepare(call(kept, told, body("a", {"model": model})))
        for _ in range(CACHED_PLANS // 2):
            kept.prepare(call(kept, session(ANSWERS["text"]), body("a", {})))
    kept.prepare(call(kept, told, body("a", {"model": "second"})))
    assert kept._plan_bytes == sum(plan.size for plan in kept._plans.values())


def test_each_answer_has_gaps_of_its_own() -> None:
    told = session(ANSWERS["text"])
    told.pace = Pace(tokens_per_second=10, jitter=0.5)
    kept = exchange()
    for number in range(3):
        mine = call(kept, told, body("a", {}), number)
        new = exchange()
        same = call(new, told, body("a", {}), number)
        assert written(kept, mine, kept.prepare(mine))[2:] == written(new, same, new.prepare(same))[2:]


def test_a_mapping_notes_what_was_looked_at() -> None:
    noted = Noted({"a": 1, "b": 2})
    assert (noted["a"], noted.get("c"), "d" in noted, noted.whole) == (1, None, False, False)
    assert noted.seen == {"a", "c", "d"}
    assert (dict(noted), noted.whole) == ({"a": 1, "b": 2}, True)
