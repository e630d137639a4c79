"""Checks a chat completion stream, anybody's, against the invariants that api.openai.com's own streams keep.

The rules, their severities and who is excused from which are data: `schemas/stream-invariants.yaml`. A schema judges single
chunks; order and number are judged here, one small function for each invariant.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Literal

from mockserver import yaml_marks
from mockserver.author_errors import nearest
from mockserver.bundled import bundled
from mockserver.event_stream import ServerSentEvent, parse
from mockserver.events import Chunk, Comment, Event, Failure
from mockserver.recording import Stream, read

__all__ = ["Finding", "Stream", "flavour_of", "invariants", "lint", "read", "waivers"]

Severity = Literal["error", "warning"]
DONE = "[DONE]"


@dataclass(frozen=True, slots=True)
class Finding:
    """One way in which a stream breaks an invariant, at the first place where it does.

    `invariant` is the rule's number; `event` counts events that carry data from 1 and `line` is where that one begins (0 for
    both: the stream as a whole); `times` is how often it was found.
    """

    invariant: int
    severity: Severity
    event: int
    line: int
    message: str
    times: int = 1

    def __str__(self) -> str:
        where = f"line {self.line}, event {self.event}" if self.line else f"event {self.event}" if self.event else "stream"
        often = f" ({self.times} times)" if self.times > 1 else ""
        return f"{where}: {self.severity} {self.invariant}: {self.message}{often}"


def lint(
    stream: bytes | str | Iterable[Event],
    *,
    flavour: str | None = None,
    request: Mapping[str, Any] | None = None,
    text: str | None = None,
) -> tuple[Finding, ...]:
    """All findings, in the order of invariants.

    `stream` is an SSE body or a flavour's events. `flavour` names whose waivers hold (None: nobody's, for a provider that
    claims to be OpenAI's equal). What depends on the request (usage, logprobs, n, tool_choice) is judged strictly when it is
    given, and by what can be seen when it is not. `text` is what choice 0 must say, if that is known. Raises LookupError for
    an unknown flavour, with the nearest name.
    """
    rules = invariants()
    profile = _profile(flavour)
    heard = _heard(stream)
    talk = _Talk(heard, request, profile, text)
    found = [
        (number, flaw) for number, check in sorted(_CHECKS.items()) if str(number) not in profile.get("waivers", {}) for flaw in check(talk)
    ]
    if isinstance(stream, bytes) and not _is_utf8(stream):
        found.insert(0, (1, _Flaw(None, "the body is not UTF-8")))
    return tuple(_gathered(found, rules))


def invariants() -> Mapping[int, tuple[Severity, str]]:
    """Severity and rule of each invariant by its number."""
    return {int(number): (rule["severity"], rule["rule"]) for number, rule in _data()["invariants"].items()}


def waivers(flavour: str) -> Mapping[int, str]:
    """The invariants that a flavour does not keep, each with the reason. Raises LookupError."""
    return {int(number): reason for number, reason in _profile(flavour)["waivers"].items()}


def flavour_of(host: str) -> str | None:
    """Whose stream comes from this host (`api.x.ai`, `localhost:11434`), if it is known."""
    for name, profile in _data()["flavours"].items():
        if any(fnmatchcase(host.lower(), pattern) for pattern in profile["hosts"]):
            return str(name)
    return None


@cache
def _data() -> Mapping[str, Any]:
    path = bundled("schemas") / "stream-invariants.yaml"
    value, _ = yaml_marks.parse(path.read_text(encoding="utf-8"), path.name)
    data: Mapping[str, Any] = value
    return data


def _profile(flavour: str | None) -> Mapping[str, Any]:
    if flavour is None:
        return {}
    known = _data()["flavours"]
    if flavour not in known:
        raise LookupError(f"no flavour named '{flavour}'{nearest(flavour, known)}; known: {', '.join(known)}")
    profile: Mapping[str, Any] = known[flavour]
    return profile


# What was heard.


@dataclass(frozen=True, slots=True)
class _Heard:
    """An event that carries data: its number and line, and its JSON object if it is one."""

    number: int
    line: int
    data: str
    name: str
    body: Mapping[str, Any] | None

    @property
    def is_error(self) -> bool:
        body = self.body or {}
        return (
            self.name == "error" or bool(body.get("error")) or body.get("object") == "error" or ("detail" in body and "choices" not in body)
        )

    @property
    def is_chunk(self) -> bool:
        return self.body is not None and not self.is_error

    @property
    def chunk(self) -> Mapping[str, Any]:
        return self.body or {}

    @property
    def choices(self) -> Sequence[Mapping[str, Any]]:
        choices = self.chunk.get("choices")
        return [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []


@dataclass(frozen=True, slots=True)
class _Spoken:
    """One delta of one choice. `delta` is None where the choice has none."""

    heard: _Heard
    choice: Mapping[str, Any]

    @property
    def index(self) -> int:
        index = self.choice.get("index")
        return index if isinstance(index, int) else 0

    @property
    def delta(self) -> Mapping[str, Any] | None:
        delta = self.choice.get("delta")
        return delta if isinstance(delta, dict) else None

    @property
    def finish(self) -> Any:
        return self.choice.get("finish_reason")

    def said(self, key: str) -> str:
        """The delta's text under a key; Mistral's content parts are text only where they are of that type."""
        value = (self.delta or {}).get(key)
        if isinstance(value, list):
            value = "".join(str(part.get("text", "")) for part in value if isinstance(part, dict) and part.get("type") == "text")
        return value if isinstance(value, str) else ""

    def calls(self) -> Iterator[Mapping[str, Any]]:
        fragments = (self.delta or {}).get("tool_calls")
        for call in fragments if isinstance(fragments, list) else ():
            if isinstance(call, dict) and isinstance(call.get("index"), int):
                yield call


@dataclass(frozen=True, slots=True)
class _Flaw:
    heard: _Heard | None
    message: str
    severity: Severity | None = None


Flaws = Iterator[_Flaw]


class _Talk:
    """A whole stream, and what it is judged by."""

    def __init__(
        self, events: Sequence[ServerSentEvent], request: Mapping[str, Any] | None, profile: Mapping[str, Any], text: str | None
    ) -> None:
        self.cut = next((event for event in events if not event.complete), None)
        whole = [event for event in events if event.complete and event.data is not None]
        self.heard = [_Heard(n, event.line, event.data or "", event.event, _object(event.data)) for n, event in enumerate(whole, 1)]
        self.chunks = [heard for heard in self.heard if heard.is_chunk]
        self.error = next((heard for heard in self.heard if heard.is_error), None)
        self.request = request
        self.profile = profile
        self.text = text
        self.choices: dict[int, list[_Spoken]] = {}
        for heard in self.chunks:
            for choice in heard.choices:
                spoken = _Spoken(heard, choice)
                self.choices.setdefault(spoken.index, []).append(spoken)

    def finish(self, index: int) -> Any:
        return next((spoken.finish for spoken in self.choices[index] if spoken.finish is not None), None)

    def asked(self, key: str) -> Any:
        return (self.request or {}).get(key)

    @property
    def stream_options(self) -> Mapping[str, Any]:
        return self.asked("stream_options") or {}


def _heard(stream: bytes | str | Iterable[Event]) -> tuple[ServerSentEvent, ...]:
    if isinstance(stream, str | bytes):
        return parse(stream.encode("utf-8", "replace") if isinstance(stream, str) else stream)
    return tuple(_as_server_sent(event) for event in stream)


def _as_server_sent(event: Event) -> ServerSentEvent:
    if isinstance(event, Comment):
        return ServerSentEvent(comments=(event.text,), line=0)
    if isinstance(event, Chunk):
        return ServerSentEvent(data=json.dumps(event.body), line=0)
    if isinstance(event, Failure):
        return ServerSentEvent(event.name or "message", json.dumps(event.body), line=0)
    return ServerSentEvent(data=event.text, line=0)


def _object(data: str | None) -> Mapping[str, Any] | None:
    try:
        value = json.loads(data or "")
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _gathered(found: Iterable[tuple[int, _Flaw]], rules: Mapping[int, tuple[Severity, str]]) -> Iterator[Finding]:
    """Equal flaws become one finding, where the first was."""
    groups: dict[tuple[int, str, Severity], list[_Flaw]] = {}
    for number, flaw in found:
        groups.setdefault((number, flaw.message, flaw.severity or rules[number][0]), []).append(flaw)
    for (number, message, severity), flaws in groups.items():
        heard = flaws[0].heard
        yield Finding(number, severity, heard.number if heard else 0, heard.line if heard else 0, message, len(flaws))


# The invariants.

_CHECKS: dict[int, Callable[[_Talk], Flaws]] = {}


def _invariant(number: int) -> Callable[[Callable[[_Talk], Flaws]], Callable[[_Talk], Flaws]]:
    def keep(check: Callable[[_Talk], Flaws]) -> Callable[[_Talk], Flaws]:
        _CHECKS[number] = check
        return check

    return keep


@cache
def _validator(name: str) -> Any:
    import jsonschema_rs

    return jsonschema_rs.validator_for(json.loads((bundled("schemas") / name).read_text(encoding="utf-8")))


@_invariant(1)
def _chunks_are_chunks(talk: _Talk) -> Flaws:
    strict = talk.profile.get("schema") == "strict"
    validator = _validator("chat-chunk.schema.json" if strict else "chat-chunk.compat.schema.json")
    for heard in talk.heard:
        if heard.body is None and heard.data != DONE and not heard.is_error:
            yield _Flaw(heard, f"not a JSON object: {_short(heard.data)}")
        elif heard.is_chunk:
            for error in validator.iter_errors(heard.chunk):
                yield _Flaw(heard, f"not a chunk at {'.'.join(map(str, error.instance_path)) or 'its top'}: {_short(error.message)}")
                break


def _steady(talk: _Talk, key: str) -> Flaws:
    """A key has one value wherever it is."""
    values = [heard for heard in talk.chunks if key in heard.chunk]
    first = values[0].chunk[key] if values else None
    yield from (_Flaw(heard, f"`{key}` changes") for heard in values if heard.chunk[key] != first)


@_invariant(2)
def _one_id(talk: _Talk) -> Flaws:
    return _steady(talk, "id")


@_invariant(3)
def _one_time(talk: _Talk) -> Flaws:
    return _steady(talk, "created")


@_invariant(4)
def _one_model(talk: _Talk) -> Flaws:
    return _steady(talk, "model")


@_invariant(5)
def _objects_are_chunks(talk: _Talk) -> Flaws:
    for heard in talk.chunks:
        if heard.chunk.get("object") != "chat.completion.chunk":
            yield _Flaw(heard, f"`object` is {_short(json.dumps(heard.chunk.get('object')))}")


@_invariant(6)
def _one_backend(talk: _Talk) -> Flaws:
    yield from _steady(talk, "system_fingerprint")
    yield from _steady(talk, "service_tier")


@_invariant(7)
def _choices_are_there(talk: _Talk) -> Flaws:
    for heard in talk.chunks:
        if not heard.choices and heard.chunk.get("usage") is None and heard.chunk.get("moderation") is None:
            yield _Flaw(heard, "a chunk without choices that is not the usage chunk")


@_invariant(8)
def _one_role(talk: _Talk) -> Flaws:
    for index, spoken in talk.choices.items():
        deltas = [each for each in spoken if each.delta is not None]
        roles = [(each, (each.delta or {}).get("role")) for each in deltas]
        for place, (each, role) in enumerate(roles):
            if place == 0 and role is None:
                yield _Flaw(each.heard, f"the first delta of choice {index} has no role")
            elif place > 0 and role is not None:
                yield _Flaw(each.heard, f"the role again in choice {index}")
            elif role not in (None, "assistant"):
                yield _Flaw(each.heard, f"the role is {_short(json.dumps(role))}")


@_invariant(9)
def _finish_reason_is_there(talk: _Talk) -> Flaws:
    for index, spoken in talk.choices.items():
        yield from (_Flaw(each.heard, f"choice {index} has no `finish_reason`") for each in spoken if "finish_reason" not in each.choice)


@_invariant(10)
def _choices_end_once(talk: _Talk) -> Flaws:
    for index, spoken in talk.choices.items():
        ended = False
        for each in spoken:
            if each.finish is not None and ended:
                yield _Flaw(each.heard, f"choice {index} ends again")
            elif each.finish is not None and each.delta:
                yield _Flaw(each.heard, f"the last delta of choice {index} is not empty: {', '.join(each.delta)}")
            elif ended and each.delta is not None:
                yield _Flaw(each.heard, f"choice {index} goes on after its end")
            ended = ended or each.finish is not None
        if not ended and not talk.error and not _is_audio(spoken):
            yield _Flaw(spoken[-1].heard, f"choice {index} never ends")


def _is_audio(spoken: Sequence[_Spoken]) -> bool:
    """Spoken audio may end with its expiry time instead of a finish reason."""
    return any("audio" in (each.delta or {}) for each in spoken)


@_invariant(11)
def _choices_are_counted(talk: _Talk) -> Flaws:
    first = next((heard for heard in talk.chunks if heard.choices), None)
    if first and first.choices[0].get("index") != 0:
        yield _Flaw(first, f"the stream begins with choice {first.choices[0].get('index')}")
    for heard in talk.chunks:
        if len(heard.choices) > 1:
            yield _Flaw(heard, "several choices in one chunk")
    if talk.choices:
        wanted = talk.asked("n") or max(talk.choices) + 1
        missing = [str(index) for index in range(wanted) if index not in talk.choices]
        extra = [index for index in talk.choices if not 0 <= index < wanted]
        if missing and not talk.error:
            yield _Flaw(None, f"choice {', '.join(missing)} of {wanted} never came")
        yield from (_Flaw(talk.choices[index][0].heard, f"choice {index} of {wanted}") for index in extra)


@_invariant(12)
def _calls_have_headers(talk: _Talk) -> Flaws:
    for spoken in talk.choices.values():
        seen: set[Any] = set()
        for each in spoken:
            for call in each.calls():
                wrong = _again(call) if call.get("index") in seen else _missing(call)
                seen.add(call.get("index"))
                if wrong:
                    yield _Flaw(each.heard, f"{wrong} of call {call.get('index')}")


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
    function = call.get("function")
    return function if isinstance(function, dict) else {}


@_invariant(13)
def _calls_are_counted(talk: _Talk) -> Flaws:
    for spoken in talk.choices.values():
        seen: list[Any] = []
        for each in spoken:
            for call in each.calls():
                number = call.get("index")
                if number not in seen:
                    if number != len(seen):
                        yield _Flaw(each.heard, f"call {number} where {len(seen)} is next")
                    seen.append(number)


@_invariant(14)
def _arguments_are_json(talk: _Talk) -> Flaws:
    for index in talk.choices:
        for name, arguments in _arguments(talk, index).items():
            if talk.finish(index) in ("tool_calls", "function_call") and not _is_json(arguments):
                yield _Flaw(talk.choices[index][-1].heard, f"the arguments of {name} are not JSON: {_short(arguments)}")


def _arguments(talk: _Talk, index: int) -> Mapping[str, str]:
    """The joined arguments of each call of a choice."""
    arguments: dict[str, str] = {}
    for each in talk.choices[index]:
        for call in each.calls():
            name = f"call {call.get('index')}"
            arguments[name] = arguments.get(name, "") + str(_function(call).get("arguments") or "")
        legacy = (each.delta or {}).get("function_call")
        if isinstance(legacy, dict):
            arguments["function_call"] = arguments.get("function_call", "") + str(legacy.get("arguments") or "")
    return arguments


@_invariant(15)
def _finish_reason_fits(talk: _Talk) -> Flaws:
    for index, spoken in talk.choices.items():
        finish, names = talk.finish(index), set(_arguments(talk, index))
        legacy, calls = "function_call" in names, bool(names - {"function_call"})
        end = next((each.heard for each in spoken if each.finish is not None), spoken[-1].heard)
        if legacy and calls:
            yield _Flaw(end, f"choice {index} has both tool calls and a function call")
        for kind, streamed in (("tool_calls", calls), ("function_call", legacy)):
            if finish == kind and not streamed:
                yield _Flaw(end, f"choice {index} ends with {kind} but streamed none")
            elif finish == "stop" and streamed:
                # The one exception the API reference makes: a call that was demanded by name.
                named = isinstance(talk.asked("tool_choice" if kind == "tool_calls" else "function_call"), dict)
                yield _Flaw(end, f"choice {index} streamed {kind} but ends with stop", "warning" if named else None)


@_invariant(16)
def _refusals_stand_alone(talk: _Talk) -> Flaws:
    for index, spoken in talk.choices.items():
        refused = next((each for each in spoken if each.said("refusal")), None)
        if refused is None:
            continue
        if any(each.said("content") for each in spoken):
            yield _Flaw(refused.heard, f"choice {index} has both content and a refusal")
        if refused is spoken[0]:
            yield _Flaw(refused.heard, f"the refusal begins in the first delta of choice {index}")


@_invariant(17)
def _logprobs_fit(talk: _Talk) -> Flaws:
    asked = bool(talk.asked("logprobs")) if talk.request is not None else None
    for spoken in talk.choices.values():
        for each in spoken:
            logprobs = each.choice.get("logprobs") or {}
            for key in ("content", "refusal"):
                tokens = logprobs.get(key) or []
                if asked and each.said(key) and not tokens:
                    yield _Flaw(each.heard, "no logprobs for a delta")
                if tokens and _joined(tokens) != each.said(key).encode("utf-8", "replace"):
                    yield _Flaw(each.heard, "the tokens of logprobs do not join to the delta's text")
                if asked and any(len(token.get("top_logprobs") or ()) > (talk.asked("top_logprobs") or 0) for token in tokens):
                    yield _Flaw(each.heard, "more top_logprobs than were asked for")
            if asked is False and logprobs:
                yield _Flaw(each.heard, "logprobs that were not asked for")


def _joined(tokens: Sequence[Mapping[str, Any]]) -> bytes:
    """A token may be half a character: then only its bytes tell."""
    parts = [token.get("bytes") for token in tokens]
    if all(isinstance(part, list) for part in parts):
        return b"".join(bytes(part) for part in parts if part)
    return "".join(str(token.get("token", "")) for token in tokens).encode("utf-8", "replace")


@_invariant(18)
def _usage_comes_once(talk: _Talk) -> Flaws:
    used = [heard for heard in talk.chunks if heard.chunk.get("usage") is not None]
    asked = bool(talk.stream_options.get("include_usage")) if talk.request is not None else bool(used)
    if not asked:
        yield from (_Flaw(heard, "usage that was not asked for") for heard in used)
        return
    for heard in talk.chunks:
        if heard.choices and "usage" not in heard.chunk:
            yield _Flaw(heard, "a chunk without `usage`")
        if heard.choices and heard.chunk.get("usage") is not None and not talk.stream_options.get("continuous_usage_stats"):
            yield _Flaw(heard, "usage beside choices")
    last = [heard for heard in used if not heard.choices]
    if not last and not talk.error:
        yield _Flaw(None, "the usage chunk never came")
    yield from (_Flaw(heard, "the usage chunk again") for heard in last[1:])
    if last and any(heard.choices and heard.number > last[0].number for heard in talk.chunks):
        yield _Flaw(last[0], "choices go on after the usage chunk")


@_invariant(19)
def _usage_adds_up(talk: _Talk) -> Flaws:
    for heard in talk.chunks:
        usage = heard.chunk.get("usage")
        if not isinstance(usage, dict):
            continue
        prompt, completion, total = (_count(usage, key) for key in ("prompt_tokens", "completion_tokens", "total_tokens"))
        if total != prompt + completion:
            yield _Flaw(heard, f"total_tokens {total} is not {prompt} + {completion}")
        for kind, whole in (("prompt", prompt), ("completion", completion)):
            details = usage.get(f"{kind}_tokens_details")
            details = details if isinstance(details, dict) else {}
            for key in details:
                if _count(details, key) > whole:
                    yield _Flaw(heard, f"{key} {details[key]} is more than {kind}_tokens {whole}")


def _count(counts: Mapping[str, Any], key: str) -> int:
    value = counts.get(key)
    return value if isinstance(value, int) else 0


@_invariant(20)
def _done_is_last(talk: _Talk) -> Flaws:
    done = [heard for heard in talk.heard if heard.data == DONE]
    if talk.cut is not None:
        yield _Flaw(None, f"the body ends inside an event, at line {talk.cut.line}")
    elif not done and not talk.error:
        yield _Flaw(talk.heard[-1] if talk.heard else None, f"{DONE} never came")
    for heard in talk.heard:
        if done and heard.number > done[0].number:
            yield _Flaw(heard, f"{DONE} again" if heard.data == DONE else f"an event after {DONE}")


@_invariant(21)
def _padding_is_even(talk: _Talk) -> Flaws:
    chunks = [heard for heard in talk.chunks if heard.choices or heard.chunk.get("usage") is not None]
    padded = [heard for heard in chunks if "obfuscation" in heard.chunk]
    if talk.stream_options.get("include_obfuscation") is False:
        yield from (_Flaw(heard, "obfuscation that was declined") for heard in padded)
    elif padded or talk.profile.get("obfuscation"):
        yield from (_Flaw(heard, "a chunk without obfuscation") for heard in chunks if "obfuscation" not in heard.chunk)


@_invariant(22)
def _errors_end(talk: _Talk) -> Flaws:
    if talk.error is not None:
        after = [heard for heard in talk.heard if heard.number > talk.error.number and heard.data != DONE]
        yield from (_Flaw(heard, "an event after an error") for heard in after)


@_invariant(23)
def _text_is_whole(talk: _Talk) -> Flaws:
    if talk.text is None:
        return
    said = "".join(each.said("content") for each in talk.choices.get(0, ()))
    if said != talk.text:
        at = next((place for place, (a, b) in enumerate(zip(said, talk.text, strict=False)) if a != b), min(len(said), len(talk.text)))
        yield _Flaw(None, f"the text differs from character {at}: {_short(said[at:])} where {_short(talk.text[at:])} was expected")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"
