"""Answers that somebody wrote down are said exactly so."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.answers import Choice, Reply, Request, Tokens
from mockserver.model.reply import ScriptError, answer, check_script, scripted


def ask(**body: Any) -> Request:
    return Request({"messages": [{"role": "user", "content": "Hi"}], **body}, "gpt-4.1")


def only(content: Any, **body: Any) -> Choice:
    (choice,) = scripted(content, ask(**body)).choices
    return choice


@pytest.mark.parametrize(
    ("content", "pieces"),
    [
        (["Hel", "lo", ", world"], ("Hel", "lo", ", world")),
        ("Hello, world", ("Hello", ",", " world")),
        ({"content": ["Hel", "", "lo"]}, ("Hel", "", "lo")),
        ({"content": []}, ()),
        ({"content": None}, ()),
        ("", ()),
    ],
)
def test_content(content: Any, pieces: tuple[str, ...]) -> None:
    assert only(content) == Choice(content=pieces)


def test_neither_stop_nor_a_limit_touches_a_script() -> None:
    assert only(["Hel", "lo"], stop="lo", max_tokens=1).content == ("Hel", "lo")


def test_usage_counts_the_pieces_of_all_choices() -> None:
    said = scripted({"content": ["Hel", "", "lo"], "reasoning": ["a"]}, ask(n=2))
    assert (len(said.choices), said.tokens.completion, said.tokens.reasoning) == (2, 6, 2)


def test_usage_can_be_written() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 20, "reasoning_tokens": 7, "cached_tokens": 1}
    assert scripted({"content": "x", "usage": usage}, ask()).tokens == Tokens(prompt=1, completion=20, reasoning=7, cached=1)


@pytest.mark.parametrize(
    ("arguments", "fragments"),
    [({"a": "é"}, ('{"', "a", '":"', "é", '"}')), ('{"a', ('{"', "a")), (["", '{"a":', "1}"], ("", '{"a":', "1}")), (None, ())],
)
def test_tool_calls(arguments: Any, fragments: tuple[str, ...]) -> None:
    choice = only({"tool_calls": [{"name": "f", "arguments": arguments, "id": "call_1"}, {"name": "g"}]})
    assert choice.tool_calls[0].arguments == fragments
    assert [(call.name, "".join(call.arguments)) for call in choice.tool_calls[1:]] == [("g", "{}")]
    assert (choice.tool_calls[0].id, len(choice.tool_calls[1].id), choice.finish_reason) == ("call_1", 29, "tool_calls")


def test_function_call_refusal_and_finish_reason() -> None:
    called = only({"function_call": {"name": "f", "arguments": {}}})
    assert called.function_call is not None
    assert called.finish_reason == "function_call"
    assert only({"refusal": ["I can", "not."]}) == Choice(refusal=("I can", "not."))
    assert only({"content": "x", "finish_reason": "content_filter"}).finish_reason == "content_filter"


def test_choices_one_by_one() -> None:
    said = scripted({"choices": [{"content": ["a"]}, {"content": ["b"], "finish_reason": "length"}]}, ask(n=5))
    assert said.choices == (Choice(content=("a",)), Choice(content=("b",), finish_reason="length"))


def test_what_a_script_leaves_open_is_generated() -> None:
    generated = answer(ask(max_tokens=4))
    assert isinstance(generated, Reply)
    said = only({"reasoning": ["Hm"]}, max_tokens=4)
    assert (said.content, said.reasoning, said.finish_reason) == (generated.choices[0].content, ("Hm",), "length")


def test_logprobs_when_they_are_asked_for() -> None:
    logprobs = only(["Hel", "lo"], logprobs=True, top_logprobs=2).logprobs
    assert logprobs is not None
    assert [entry.token for entry in logprobs] == ["Hel", "lo"]
    assert only(["Hel", "lo"]).logprobs is None


@pytest.mark.parametrize(
    ("script", "wrong"),
    [
        ({"contnet": "x"}, "contnet: unknown key 'contnet'; did you mean 'content'?"),
        ({"content": 5}, "content: a string or a list of strings is wanted, not the number 5 (write '5' for a string)"),
        ({"content": ["a", True]}, "content[1]: a string is wanted, not the truth value true"),
        ({"tool_calls": {"name": "f"}}, "tool_calls: a list of calls is wanted, not a mapping"),
        ({"tool_calls": [{"nam": "f"}]}, "tool_calls[0].nam: unknown key 'nam'; did you mean 'name'?"),
        ({"tool_calls": [{"arguments": {}}]}, "tool_calls[0].name: the name of the called function is wanted"),
        (
            {"choices": [{"content": "x"}, 3]},
            "choices[1]: a choice is a mapping such as {content: [Hel, lo]}, not the number 3 (write '3' for a string)",
        ),
        ({"choices": [{}], "content": "x"}, "content: 'content' stands inside 'choices' where these are given"),
        ({"usage": {"prompt_tokens": -1}}, "usage.prompt_tokens: a count from 0 is wanted, not the number -1 (write '-1' for a string)"),
        ({"finish_reason": 1}, "finish_reason: a string is wanted, not the number 1 (write '1' for a string)"),
        ("Hello", "an answer is a mapping such as {content: [Hel, lo]}, not the string 'Hello'"),
    ],
)
def test_mistakes(script: Any, wrong: str) -> None:
    assert wrong in check_script(script)
    if isinstance(script, dict):
        with pytest.raises(ScriptError):
            scripted(script, ask())


def test_a_good_script_has_none() -> None:
    assert check_script({"content": ["a"], "tool_calls": [{"name": "f", "arguments": ["{", "}"]}], "usage": {}}) == []
