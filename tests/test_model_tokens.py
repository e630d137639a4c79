"""Tokens join to the text again, and look like tokens."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from mockserver.tokens import count, count_prompt, cut


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", ()),
        ("Hello, world!", ("Hello", ",", " world", "!")),
        ('{"city":"Hà Nội","n":1234}', ('{"', "city", '":"', "Hà", " Nội", '","', "n", '":', "123", "4", "}")),
        ("a  b\n\nc", ("a", " ", " b", "\n", "\n", "c")),
        ("internationalization", ("internationa", "lization")),
        ("日本語。", ("日本", "語", "。")),
    ],
)
def test_cut(text: str, pieces: tuple[str, ...]) -> None:
    assert cut(text) == pieces
    assert count(text) == len(pieces)


@pytest.mark.parametrize("alphabet", ["aB  _1.,{\"\n\t'é", "สวัดี ั่", "你好。 a", "हिन्दी ", "👨\u200d👩 x\ud800", "\x00\x1c\u2028\u00a0 \r\n"])
def test_any_text_joins_again(alphabet: str) -> None:
    random = Random(1)
    for _ in range(300):
        text = "".join(random.choices(alphabet, k=random.randrange(30)))
        assert "".join(cut(text)) == text
        assert all(cut(text))


def test_thai_marks_stay_with_their_letter() -> None:
    assert not any(piece[0] in "\u0e31\u0e34\u0e48\u0e49" for piece in cut("สวัสดีครับ ยินดีที่ได้รู้จัก"))


@pytest.mark.parametrize(
    ("content", "more"),
    [
        ("one two", 2),
        (None, 0),
        ([{"type": "text", "text": "one two"}], 2),
        ([{"type": "text", "text": "one two"}, {"type": "image_url", "image_url": {"url": "x" * 9000}}], 767),
        ([{"type": "image_url", "image_url": {"url": "x", "detail": "low"}}], 85),
        ([{"type": "input_audio", "input_audio": {"data": "A" * 9000, "format": "wav"}}], 300),
    ],
)
def test_prompt(content: Any, more: int) -> None:
    empty = count_prompt([{"role": "user", "content": ""}])
    assert count_prompt([{"role": "user", "content": content}]) - empty == more


def test_prompt_counts_calls_and_tools() -> None:
    call = {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": '{"a": 1}'}}]}
    assert count_prompt([call]) > count_prompt([{"role": "assistant", "content": None}])
    assert count_prompt([call], [{"type": "function", "function": {"name": "f"}}]) > count_prompt([call])
