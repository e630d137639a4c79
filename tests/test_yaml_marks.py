"""YAML read with JSON's core types, and the line of every mistake."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.author_errors import AuthorError, Mistake, nearest
from mockserver.yaml_marks import parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (
            "[no, on, yes, off, 12:30, 0x1f, ~, .5, +1, 01, 1_000]",
            ["no", "on", "yes", "off", "12:30", "0x1f", "~", ".5", "+1", "01", "1_000"],
        ),
        ("[null, true, false, 0, -7, 1.5, 1e3, -2.5E-1]", [None, True, False, 0, -7, 1.5, 1000.0, -0.25]),
        ("[Null, TRUE, False, NaN, .inf, 2024-01-01]", ["Null", "TRUE", "False", "NaN", ".inf", "2024-01-01"]),
        ("['1', \"true\", '', !!str 3]", ["1", "true", "", "3"]),
        ("a:\nb: 1", {"a": None, "b": 1}),
        ("1: x\ntrue: y\n<<: z", {"1": "x", "true": "y", "<<": "z"}),
        ("a: &a {x: 1}\nb: *a", {"a": {"x": 1}, "b": {"x": 1}}),
        ("", None),
    ],
)
def test_values_are_those_of_json(text: str, value: Any) -> None:
    found, _ = parse(text, "x.yaml")
    assert found == value
    assert repr(found) == repr(value)


def test_json_escapes_beyond_the_basic_plane_are_one_character() -> None:
    assert parse('{"a":\t"\\ud83d\\ude00 \\/",\n\t"b": "\\\\ud83d"}', "x.json")[0] == {"a": "😀 /", "b": "\\ud83d"}


def test_every_path_has_its_line() -> None:
    _, line = parse("title: x\nturns:\n  - answer:\n      content: [a,\n        b]\n  - {}\n", "x.yaml")
    assert [line(path) for path in [(), ("turns",), ("turns", 0, "answer"), ("turns", 0, "answer", "content", 1), ("turns", 1)]] == [
        1,
        2,
        3,
        5,
        6,
    ]
    assert line(("turns", 1, "no", "such")) == 6


@pytest.mark.parametrize(
    ("text", "lines", "words"),
    [
        ("a: 1\nb: {c: 1, c: 2}\na: 3", [2, 3], "given twice"),
        ("a: [1\nb: 2", [2], "not YAML"),
        ("a: 1\nb: \x01", [2], "control characters"),
        ("- &a [*a]", [1], "stands for a value that holds it"),
        ("x: 1\n? [1]\n: 2", [2], "must be a string"),
        ("a: !!python/object:os.system x", [1], "is not known here"),
        ("a: 1e999", [1], "too large"),
        ("a: " + "9" * 5000, [1], "too long"),
        ("[" * 200 + "]" * 200, [1], "deep"),
        ("[" * 200_000 + "]" * 200_000, [1], "deep"),
        ("--- 1\n--- 2", [2], "single document"),
        (
            "a: &a [0,0,0,0,0,0,0,0,0,0]\n"
            + "".join(f"{x}: &{x} [{','.join([f'*{y}'] * 10)}]\n" for x, y in zip("bcdefg", "abcdef", strict=True)),
            [1],
            "aliases",
        ),
    ],
)
def test_mistakes_say_where(text: str, lines: list[int], words: str) -> None:
    with pytest.raises(AuthorError, match=words) as raised:
        parse(text, "x.yaml")
    assert [mistake.line for mistake in raised.value.mistakes] == lines


def test_an_author_error_prints_all_mistakes_in_order() -> None:
    error = AuthorError([Mistake("f", 9, "late"), Mistake("f", 1, "early"), Mistake("f", 9, "late")])
    assert str(error) == "f:1: early\nf:9: late"


def test_nearest() -> None:
    assert nearest("contnet", ["content", "refusal"]) == "; did you mean 'content'?"
    assert nearest("zzz", ["content"]) == ""
