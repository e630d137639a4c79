"""What holds for every healthy chat completion stream: one small function for each invariant, by its number.

The rules in words, their severities and who does not keep which are in `schemas/stream-invariants.yaml`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from mockserver.bundled import bundled
from mockserver.heard import Heard, HeardDelta, HeardEvent, as_object, as_objects

Severity = Literal["error", "warning"]
DONE = "[DONE]"


@dataclass(frozen=True, slots=True)
class Flaw:
    """What breaks an invariant at an event (None: the stream as a whole). `severity` where it is not the invariant's own."""

    event: HeardEvent | None
    message: str
    severity: Severity | None = None


Flaws = Iterator[Flaw]

CHECKS: dict[int, Callable[[Heard], Flaws]] = {}
"""The invariants by number."""


def _invariant(number: int) -> Callable[[Callable[[Heard], Flaws]], Callable[[Heard], Flaws]]:
    def keep(check: Callable[[Heard], Flaws]) -> Callable[[Heard], Flaws]:
        CHECKS[number] = check
        return check

    return keep


@cache
def _validator(name: str) -> Any:
    import jsonschema_rs

    return jsonschema_rs.validator_for(json.loads((bundled("schemas") / name).read_text(encoding="utf-8")))


@_invariant(1)
def _chunks_are_chunks(heard: Heard) -> Flaws:
    strict = heard.profile.get("schema") == "strict"
    validator = _validator("chat-chunk.schema.json" if strict else "chat-chunk.compat.schema.json")
    if not heard.is_utf8:
        yield Flaw(None, "the body is not UTF-8")
    for event in heard.events:
        if event.body is None and event.data != DONE and not event.is_error:
            yield Flaw(event, f"not a JSON object: {_short(event.data)}")
        elif event.is_chunk:
            for error in validator.iter_errors(event.chunk):
                yield Flaw(event, f"not a chunk at {'.'.join(map(str, error.instance_path)) or 'its top'}: {_short(error.message)}")
                break


def _steady(heard: Heard, key: str) -> Flaws:
    """A key has one value wherever it is."""
    values = [event for event in heard.chunks if key in event.chunk]
    first = values[0].chunk[key] if values else None
    yield from (Flaw(event, f"`{key}` changes") for event in values if event.chunk[key] != first)


@_invariant(2)
def _one_id(heard: Heard) -> Flaws:
    return _steady(heard, "id")


@_invariant(3)
def _one_time(heard: Heard) -> Flaws:
    return _steady(heard, "created")


@_invariant(4)
def _one_model(heard: Heard) -> Flaws:
    return _steady(heard, "model")


@_invariant(5)
def _objects_are_chunks(heard: Heard) -> Flaws:
    for event in heard.chunks:
        if event.chunk.get("object") != "chat.completion.chunk":
            yield Flaw(event, f"`object` is {_short(json.dumps(event.chunk.get('object')))}")


@_invariant(6)
def _one_backend(heard: Heard) -> Flaws:
    yield from _steady(heard, "system_fingerprint")
    yield from _steady(heard, "service_tier")


@_invariant(7)
def _choices_are_there(heard: Heard) -> Flaws:
    for event in heard.chunks:
        if not event.choices and event.chunk.get("usage") is None and event.chunk.get("moderation") is None:
            yield Flaw(event, "a chunk without choices that is not the usage chunk")


@_invariant(8)
def _one_role(heard: Heard) -> Flaws:
    for index, spoken in heard.choices.items():
        deltas = [each for each in spoken if each.delta is not None]
        roles = [(each, (each.delta or {}).get("role")) for each in deltas]
        for place, (each, role) in enumerate(roles):
            if place == 0 and role is None:
                yield Flaw(each.event, f"the first delta of choice {index} has no role")
            elif place > 0 and role is not None:
                yield Flaw(each.event, f"the role again in choice {index}")
            elif role not in (None, "assistant"):
                yield Flaw(each.event, f"the role is {_short(json.dumps(role))}")


@_invariant(9)
def _finish_reason_is_there(heard: Heard) -> Flaws:
    for index, spoken in heard.choices.items():
        yield from (Flaw(each.event, f"choice {index} has no `finish_reason`") for each in spoken if "finish_reason" not in each.choice)


@_invariant(10)
def _choices_end_once(heard: Heard) -> Flaws:
    for index, spoken in heard.choices.items():
        ended = False
        for each in spoken:
            if each.finish is not None and ended:
                yield Flaw(each.event, f"choice {index} ends again")
            elif each.finish is not None and each.delta:
                yield Flaw(each.event, f"the last delta of choice {index} is not empty: {', '.join(each.delta)}")
            elif ended and each.delta is not None:
                yield Flaw(each.event, f"choice {index} goes on after its end")
            ended = ended or each.finish is not None
        if not ended and not heard.error and not _is_audio(spoken):
            yield Flaw(spoken[-1].event, f"choice {index} never ends")


def _is_audio(spoken: Sequence[HeardDelta]) -> bool:
    """Spoken audio may end with its expiry time instead of a finish reason."""
    return any("audio" in (each.delta or {}) for each in spoken)


@_invariant(11)
def _choices_are_counted(heard: Heard) -> Flaws:
    first = next((event for event in heard.chunks if event.choices), None)
    if first and first.choices[0].get("index") != 0:
        yield Flaw(first, f"the stream begins with choice {first.choices[0].get('index')}")
    for event in heard.chunks:
        if len(event.choices) > 1:
            yield Flaw(event, "several choices in one chunk")
    if heard.choices:
        asked = heard.asked("n")
        wanted = asked if isinstance(asked, int) and 1 <= asked <= 128 else len(heard.choices)
        missing = [str(index) for index in range(wanted) if index not in heard.choices]
        extra = [index for index in heard.choices if not 0 <= index < wanted]
        if missing and not heard.error:
            yield Flaw(None, f"choice {', '.join(missing)} of {wanted} never came")
        yield from (Flaw(heard.choices[index][0].event, f"choice {index} of {wanted}") for index in extra)


@_invariant(12)
def _calls_have_headers(heard: Heard) -> Flaws:
    for spoken in heard.choices.values():
        seen: set[Any] = set()
        for each in spoken:
            for call in each.calls():
                wrong = _again(call) if call.get("index") in seen else _missing(call)
                seen.add(call.get("index"))
                if wrong:
                    yield Flaw(each.event, f"{wrong} of call {call.get('index')}")


def _missing(call: Mapping[str, Any]) -> str:
    function = _function(call)
    there = {"id": call.get("id"), "type": call.get("type") == "function", "name": function.get("name")}
    missing = [key for key, value in there.items() if not value] + ([] if isinstance(function.get("arguments"), str) else ["arguments"])
    return f"no {', '.join(missing)} in the first fragment" if missing else ""


def _again(call: Mapping[str, Any]) -> str:
    keys = [key for key, value in {**call, **_function(call)}.items() if value is not None]
    extra = [key for key in keys if key not in ("index", "function", "arguments")]
    return f"{', '.join(extra)} again in a later fragment" if extra else ""


def _function(call: Mapping[str, Any]) -> Mapping[str, Any]:
    return as_object(call.get("function"))


@_invariant(13)
def _calls_are_counted(heard: Heard) -> Flaws:
    for spoken in heard.choices.values():
        seen: list[Any] = []
        for each in spoken:
            for call in each.calls():
                number = call.get("index")
                if number not in seen:
                    if number != len(seen):
                        yield Flaw(each.event, f"call {number} where {len(seen)} is next")
                    seen.append(number)


@_invariant(14)
def _arguments_are_json(heard: Heard) -> Flaws:
    for index in heard.choices:
        for name, arguments in _arguments(heard, index).items():
            if heard.finish(index) in ("tool_calls", "function_call") and not _is_json(arguments):
                yield Flaw(heard.choices[index][-1].event, f"the arguments of {name} are not JSON: {_short(arguments)}")


def _arguments(heard: Heard, index: int) -> Mapping[str, str]:
    """The joined arguments of each call of a choice."""
    arguments: dict[str, str] = {}
    for each in heard.choices[index]:
        for call in each.calls():
            name = f"call {call.get('index')}"
            arguments[name] = arguments.get(name, "") + str(_function(call).get("arguments") or "")
        legacy = (each.delta or {}).get("function_call")
        if isinstance(legacy, dict):
            arguments["function_call"] = arguments.get("function_call", "") + str(legacy.get("arguments") or "")
    return arguments


@_invariant(15)
def _finish_reason_fits(heard: Heard) -> Flaws:
    for index, spoken in heard.choices.items():
        finish, names = heard.finish(index), set(_arguments(heard, index))
        legacy, calls = "function_call" in names, bool(names - {"function_call"})
        end = next((each.event for each in spoken if each.finish is not None), spoken[-1].event)
        if legacy and calls:
            yield Flaw(end, f"choice {index} has both tool calls and a function call")
        for kind, streamed in (("tool_calls", calls), ("function_call", legacy)):
            if finish == kind and not streamed:
                yield Flaw(end, f"choice {index} ends with {kind} but streamed none")
            elif finish == "stop" and streamed:
                # The one exception the API reference makes: a call that was demanded by name.
                named = isinstance(heard.asked("tool_choice" if kind == "tool_calls" else "function_call"), dict)
                yield Flaw(end, f"choice {index} streamed {kind} but ends with stop", "warning" if named else None)


@_invariant(16)
def _refusals_stand_alone(heard: Heard) -> Flaws:
    for index, spoken in heard.choices.items():
        refused = next((each for each in spoken if each.said("refusal")), None)
        if refused is None:
            continue
        if any(each.said("content") for each in spoken):
            yield Flaw(refused.event, f"choice {index} has both content and a refusal")
        if refused is spoken[0]:
            yield Flaw(refused.event, f"the refusal begins in the first delta of choice {index}")


@_invariant(17)
def _logprobs_fit(heard: Heard) -> Flaws:
    asked = bool(heard.asked("logprobs")) if heard.request is not None else None
    for spoken in heard.choices.values():
        for each in spoken:
            logprobs = as_object(each.choice.get("logprobs"))
            for key in ("content", "refusal"):
                tokens = as_objects(logprobs.get(key))
                if asked and each.said(key) and not tokens:
                    yield Flaw(each.event, "no logprobs for a delta")
                if tokens and _joined(tokens) != each.said(key).encode("utf-8", "replace"):
                    yield Flaw(each.event, "the tokens of logprobs do not join to the delta's text")
                if asked and any(len(as_objects(token.get("top_logprobs"))) > (heard.asked("top_logprobs") or 0) for token in tokens):
                    yield Flaw(each.event, "more top_logprobs than were asked for")
            if asked is False and logprobs:
                yield Flaw(each.event, "logprobs that were not asked for")


def _joined(tokens: Sequence[Mapping[str, Any]]) -> bytes:
    """A token may be half a character: then only its bytes tell."""
    parts = [token.get("bytes") for token in tokens]
    if all(isinstance(part, list) and all(isinstance(byte, int) and 0 <= byte <= 255 for byte in part) for part in parts):
        return b"".join(bytes(part or ()) for part in parts)
    return "".join(str(token.get("token", "")) for token in tokens).encode("utf-8", "replace")


@_invariant(18)
def _usage_comes_once(heard: Heard) -> Flaws:
    used = [event for event in heard.chunks if event.chunk.get("usage") is not None]
    asked = bool(heard.stream_options.get("include_usage")) if heard.request is not None else bool(used)
    if not asked:
        yield from (Flaw(event, "usage that was not asked for") for event in used)
        return
    for event in heard.chunks:
        if event.choices and "usage" not in event.chunk:
            yield Flaw(event, "a chunk without `usage`")
        if event.choices and event.chunk.get("usage") is not None and not heard.stream_options.get("continuous_usage_stats"):
            yield Flaw(event, "usage beside choices")
    last = [event for event in used if not event.choices]
    if not last and not heard.error:
        yield Flaw(None, "the usage chunk never came")
    yield from (Flaw(event, "the usage chunk again") for event in last[1:])
    if last and any(event.choices and event.number > last[0].number for event in heard.chunks):
        yield Flaw(last[0], "choices go on after the usage chunk")


@_invariant(19)
def _usage_adds_up(heard: Heard) -> Flaws:
    for event in heard.chunks:
        usage = as_object(event.chunk.get("usage"))
        prompt, completion, total = (_count(usage, key) for key in ("prompt_tokens", "completion_tokens", "total_tokens"))
        if total != prompt + completion:
            yield Flaw(event, f"total_tokens {total} is not {prompt} + {completion}")
        for kind, whole in (("prompt", prompt), ("completion", completion)):
            details = as_object(usage.get(f"{kind}_tokens_details"))
            for key in details:
                if _count(details, key) > whole:
                    yield Flaw(event, f"{key} {details[key]} is more than {kind}_tokens {whole}")


def _count(counts: Mapping[str, Any], key: str) -> int:
    value = counts.get(key)
    return value if isinstance(value, int) else 0


@_invariant(20)
def _done_is_last(heard: Heard) -> Flaws:
    done = [event for event in heard.events if event.data == DONE]
    if heard.cut is not None:
        yield Flaw(None, f"the body ends inside an event, at line {heard.cut.line}")
    elif not done and not heard.error:
        yield Flaw(heard.events[-1] if heard.events else None, f"{DONE} never came")
    for event in heard.events:
        if done and event.number > done[0].number:
            yield Flaw(event, f"{DONE} again" if event.data == DONE else f"an event after {DONE}")


@_invariant(21)
def _padding_is_even(heard: Heard) -> Flaws:
    chunks = [event for event in heard.chunks if event.choices or event.chunk.get("usage") is not None]
    padded = [event for event in chunks if "obfuscation" in event.chunk]
    if heard.stream_options.get("include_obfuscation") is False:
        yield from (Flaw(event, "obfuscation that was declined") for event in padded)
    elif padded or heard.profile.get("obfuscation"):
        yield from (Flaw(event, "a chunk without obfuscation") for event in chunks if "obfuscation" not in event.chunk)


@_invariant(22)
def _errors_end(heard: Heard) -> Flaws:
    if heard.error is not None:
        after = [event for event in heard.events if event.number > heard.error.number and event.data != DONE]
        yield from (Flaw(event, "an event after an error") for event in after)


@_invariant(23)
def _text_is_whole(heard: Heard) -> Flaws:
    if heard.text is None:
        return
    said = "".join(each.said("content") for each in heard.choices.get(0, ()))
    if said != heard.text:
        at = next((place for place, (a, b) in enumerate(zip(said, heard.text, strict=False)) if a != b), min(len(said), len(heard.text)))
        yield Flaw(None, f"the text differs from character {at}: {_short(said[at:])} where {_short(heard.text[at:])} was expected")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"
