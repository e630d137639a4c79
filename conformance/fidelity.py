"""How true the client is to what the server said: text, reasoning, tool calls, usage, errors, and how soon it hands them on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from conformance import said as saying
from conformance.kit_check import planned_messages
from conformance.report import Report, delta_text
from conformance.said import Said
from mockserver.answers import ApiError
from mockserver.journal import RequestEntry
from mockserver.steps import Wait

Told = Mapping[str, Any]


def numbers(report: Report, told: Told, requests: Sequence[RequestEntry], answers: Sequence[Said]) -> dict[str, Any]:
    """The first run against the last answer: the text equal, kept up to the break, or foreign (repeated, reordered, invented)."""
    spoken = [answer.choices[0].text for answer in answers if 0 in answer.choices]
    last = spoken[-1] if spoken else ""
    first_choice = next((answer.choices[0] for answer in reversed(answers) if 0 in answer.choices), saying.SaidChoice())
    usage = next((answer.usage for answer in reversed(answers) if answer.usage), None)
    text = str(told["text"])
    return {
        "text_exact": text == last,
        "text_kept": bool(text) and text in (last, first_choice.refusal),
        "text_missing": len(last) - len(text) if last.startswith(text) else None,
        "text_foreign": not last.startswith(text),
        "delta_text_exact": told["delta_text"] == last,
        "reasoning_exact": told["reasoning"] == first_choice.reasoning,
        "reasoning_in_text": bool(first_choice.reasoning) and first_choice.reasoning in text,
        "finish_reason_exact": told["finish_reason"] == first_choice.finish_reason,
        "tool_calls_exact": _calls(told["tool_calls"]) == _calls(first_choice.tool_calls.values()),
        "tool_calls_said": len(first_choice.tool_calls),
        "tool_call_ids_exact": [call.get("id") for call in told["tool_calls"]] == [call["id"] for call in first_choice.tool_calls.values()],
        "tool_calls_foreign": _foreign_calls(told["tool_calls"], first_choice.tool_calls.values()),
        "usage_exact": _same_usage(told["usage"], usage),
        "choices_exact": _same_choices(told, answers),
        "deltas_missing": max(0, sum(answer.deltas for answer in answers) - told["deltas"]),
        "held_back": _held_back(report, requests),
        "error_told": _error_told(requests, answers, told),
    }


def _calls(calls: Iterable[Told]) -> list[tuple[Any, Any]]:
    return [(call.get("name"), _json(call.get("arguments", ""))) for call in calls]


def _foreign_calls(told: Iterable[Told], said: Iterable[Told]) -> int:
    """How many calls were handed out that the server had not sent whole, with that name and those arguments."""
    whole = [call for call in _calls(said) if _is_json(call[1])]
    return sum(call not in whole for call in _calls(told))


def _is_json(text: Any) -> bool:
    try:
        json.loads(text)
    except (TypeError, ValueError):
        return False
    return True


def _json(text: Any) -> Any:
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except (TypeError, ValueError):
        return text


def _same_usage(told: Told | None, said: Told | None) -> bool:
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    return (told is None and said is None) or (
        told is not None and said is not None and all(told.get(name) == said.get(name) for name in names)
    )


def _same_choices(told: Told, answers: Sequence[Said]) -> bool:
    if not answers:
        return False
    wanted = [answers[-1].choices[index].text for index in sorted(answers[-1].choices)]
    return [choice.get("text", "") for choice in told["choices"]][: len(wanted)] == wanted and len(told["choices"]) >= len(wanted)


def _held_back(report: Report, requests: Sequence[RequestEntry]) -> int | None:
    """Characters of text and tool-call arguments that the server had sent before its last pause, and that the client had not
    handed on when the server wrote again. None where there was no such pause, or the client had left before it was over."""
    entry = requests[-1] if requests else None
    if entry is None or entry.plan is None or not entry.writes:
        return None
    timeline = entry.plan.timeline
    pause = next((at for at in reversed(range(len(timeline))) if isinstance(timeline[at], Wait) and timeline[at].seconds), None)
    if pause is None or entry.messages <= planned_messages(timeline[:pause]):
        return None
    said = saying.read(timeline[:pause], entry.dialect or "sse").choice(0)
    sent = len(said.text) + sum(len(call["arguments"]) for call in said.tool_calls.values())
    return max(0, sent - sum(_size(line.said) for line in report.lines if line.at < entry.writes[-1].at))


def _size(line: Told) -> int:
    if line.get("index", 0) != 0:
        return 0
    return len(delta_text(line)) if line["type"] == "delta" else len(line.get("arguments", "")) if line["type"] == "tool_call" else 0


def _error_told(requests: Sequence[RequestEntry], answers: Sequence[Said], told: Told) -> bool | None:
    """Whether the server's own words for the last error stand in the client's message; None where it had none."""
    answer = requests[-1].plan.answer if requests and requests[-1].plan is not None else None
    words = answer.message if isinstance(answer, ApiError) else answers[-1].error_words if answers else None
    return None if not words else _plain(words) in _plain(str(told["message"]))


def _plain(text: str) -> str:
    """Text as it reads: how white space is laid out does not matter."""
    return " ".join(text.split())
