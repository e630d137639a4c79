"""Text in pieces the size of a model's tokens. Not any model's vocabulary: only its look, and counts that add up."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_DENSE = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Burmese, Khmer
    "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # kana, Han
    "\uac00-\ud7af"  # Hangul
)
_MARKS = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0900-\u0903\u093a-\u094f\u0980-\u0983\u09bc-\u09cd\u0a01-\u0d4d"

_WORDS = rf"""
      \ ?[{_DENSE}]{{1,2}}[\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]*   # scripts of many meanings a character; Thai marks stay with their letter
    | \ ?(?:(?![{_DENSE}])[^\W\d_]|[{_MARKS}]){{1,12}}          # a word with the space before it; long ones in pieces
"""
_ASCII_WORDS = r"\ ?[A-Za-z]{1,12}"
_REST = r"""
    | \ ?\d{1,3}
    | \ ?[^\w\s]{1,3}
    | \ ?_
    | \s+(?!\S) | \s+(?=\ ) | \s                                # a run of blanks leaves its last space to the word after it
    | .
"""
_TOKEN = re.compile(_WORDS + _REST, re.VERBOSE | re.DOTALL)
_ASCII_TOKEN = re.compile(_ASCII_WORDS + _REST, re.VERBOSE | re.DOTALL | re.ASCII)

_PER_MESSAGE = 3
"""Tokens that frame each message, and 3 more that open the answer (OpenAI cookbook, "How to count tokens")."""

_PART_TOKENS = {"image_url": 765, "input_audio": 300, "file": 1500}
"""What a part that is not text costs: a 1024 × 1024 image in high detail, half a minute of sound, a document of three pages."""

_CHARACTERS_A_TOKEN = 4
"""Of a tool's definition as JSON."""

_LOW_DETAIL_IMAGE = 85


def cut(text: str) -> tuple[str, ...]:
    """The text's tokens, in order; joined they are the text again. "" has none."""
    return tuple(_tokens(text))


def count(text: str) -> int:
    """How many tokens `cut` would give."""
    return len(_tokens(text))


def _tokens(text: str) -> list[str]:
    """The narrow pattern says the same of ASCII, in half the time."""
    return (_ASCII_TOKEN if text.isascii() else _TOKEN).findall(text)


def count_prompt(messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] = ()) -> int:
    """How many tokens a conversation and its tools' definitions cost."""
    definitions = len(json.dumps(list(tools))) // _CHARACTERS_A_TOKEN if tools else 0
    return definitions + sum(_PER_MESSAGE + _message(message) for message in messages) + 3


def _message(message: Mapping[str, Any]) -> int:
    tokens = 1 + _content(message.get("content")) + count(message.get("name") or "") + count(message.get("refusal") or "")
    functions = [call.get("function") or call.get("custom") or {} for call in message.get("tool_calls") or ()]
    functions += [message["function_call"]] if message.get("function_call") else []
    return tokens + sum(count(str(text)) for function in functions for text in function.values() if text)


def _content(content: Any) -> int:
    if isinstance(content, str):
        return count(content)
    return sum(_part(part) for part in content or ())


def _part(part: Mapping[str, Any]) -> int:
    kind = part.get("type")
    if kind == "image_url" and (part.get("image_url") or {}).get("detail") == "low":
        return _LOW_DETAIL_IMAGE
    return _PART_TOKENS.get(str(kind)) or count(str(part.get("text") or part.get("refusal") or ""))
