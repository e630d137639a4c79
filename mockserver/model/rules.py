"""`--answers FILE`: who asks what gets which answer. The first rule whose conditions all hold gives it (`schemas/answers.schema.json`)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from mockserver.answers import Answer, ApiError, Request
from mockserver.api_errors import typical
from mockserver.author_errors import AuthorError, Mistake, nearest
from mockserver.bundled import bundled
from mockserver.model import script
from mockserver.model.conversation import text_of
from mockserver.model.reply import answer, scripted
from mockserver.model.tools import written

Where = tuple[str | int, ...]
Condition = Callable[[Any, Request, int], str | None]
"""(what is wanted, the request, which request of the session it is, from 1) → why the condition does not hold, or None."""

_SAYS = ("text", "json", "refusal", "echo", "error", "profile", "answer")
"""A rule gives one of these; `tool_calls` may stand alone or beside `text`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: `when` are its conditions, `gives` what it says, both as they were written; `line` is where, counted from 1."""

    when: Mapping[str, Any]
    gives: Mapping[str, Any]
    line: int = 0

    @property
    def profile(self) -> str | None:
        """The name of the fault profile that answers, if one does."""
        return self.gives.get("profile")

    def answer(self, request: Request, *, seed: int = 0) -> Answer | None:
        """What the rule says to a request; None where a profile says it."""
        if "profile" in self.gives:
            return None
        if "error" in self.gives:
            return _api_error(self.gives["error"], request.model)
        if "echo" in self.gives:
            return answer(request, seed=seed, mode="echo")
        return scripted(_script(self.gives), request, seed=seed)

    def failing(self, request: Request, nth: int) -> list[str]:
        """Which conditions do not hold, and why; none if the rule matches."""
        found = (_CONDITIONS[key](wanted, request, nth) for key, wanted in self.when.items())
        return [why for why in found if why is not None]


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one file, in its order. `strict` refuses a request that no rule matches."""

    rules: tuple[Rule, ...]
    strict: bool = False
    source: str = field(default="answers", compare=False)

    def find(self, request: Request, nth: int) -> Rule | None:
        """The first rule that matches. `nth` counts the session's requests that were asked of these rules, from 1."""
        return next((rule for rule in self.rules if not rule.failing(request, nth)), None)

    def unmatched(self, request: Request, nth: int) -> ApiError:
        """What a strict file says to a request that no rule matches: the nearest rule, and what keeps it from matching."""
        failing = [(rule.failing(request, nth), rule) for rule in self.rules]
        message = f"No rule of {self.source} matches this request."
        if failing:
            why, rule = min(failing, key=lambda pair: (len(pair[0]), len(pair[0]) / len(pair[1].when) - _likeness(pair[1], request)))
            message += f" The nearest is rule {self.rules.index(rule) + 1} (line {rule.line}), but {'; '.join(why)}."
        return ApiError(400, message, code="mock_no_rule_matched")


def load(path: Path, *, strict: bool = False) -> Rules:
    """The rules of a YAML or JSON file. Raises AuthorError with every mistake in it."""
    from mockserver import yaml_marks

    return parse(yaml_marks.text_of(path), str(path), strict=strict)


def parse(text: str, source: str, *, strict: bool = False) -> Rules:
    """The rules in a text; `source` names it in messages. Raises AuthorError with every mistake in it."""
    from mockserver import yaml_marks

    written_down, line = yaml_marks.parse(text, source)
    mistakes = [Mistake(source, line(where), message) for where, message in _mistakes(written_down)]
    if mistakes:
        raise AuthorError(mistakes)
    inside: Where = ("rules",) if isinstance(written_down, Mapping) else ()
    rows = written_down["rules"] if inside else written_down
    rules = tuple(_rule(row, line((*inside, place))) for place, row in enumerate(rows))
    return Rules(rules, strict or bool(inside and written_down.get("strict")), source)


def _likeness(rule: Rule, request: Request) -> float:
    """From 0 to 1: how near the last message comes to the text a rule wants in it."""
    wanted = str(rule.when.get("contains", "")).casefold()
    return SequenceMatcher(None, wanted, _last(request)[:1000].casefold()).ratio()


def _rule(row: Mapping[str, Any], line: int) -> Rule:
    when = {key: wanted for key, wanted in row.items() if key in _CONDITIONS}
    return Rule(when, {key: given for key, given in row.items() if key not in when}, line)


def _api_error(error: Mapping[str, Any], model: str) -> ApiError:
    """What is not told is what the API says with this status."""
    usual = typical(error["status"], model)
    return ApiError(
        usual.status,
        error.get("message", usual.message),
        error.get("type", usual.type),
        error.get("param", usual.param),
        error.get("code", usual.code),
        tuple(error.get("headers", {}).items()),
    )


def _script(gives: Mapping[str, Any]) -> Mapping[str, Any]:
    if "answer" in gives:
        whole: Mapping[str, Any] = gives["answer"]
        return whole
    said = {"content": written(gives["json"])} if "json" in gives else {"content": gives["text"]} if "text" in gives else {}
    return said | {key: gives[key] for key in ("refusal", "tool_calls") if key in gives}


def _last(request: Request) -> str:
    return text_of(request.messages[-1]) if request.messages else ""


def _role(request: Request) -> str:
    return str(request.messages[-1].get("role")) if request.messages else ""


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")


def _contains(wanted: str, request: Request, nth: int) -> str | None:
    last = _last(request)
    return None if wanted.casefold() in last.casefold() else f"the last message, {_short(last)}, does not contain {wanted!r}"


def _regex(wanted: str, request: Request, nth: int) -> str | None:
    last = _last(request)
    return None if re.search(wanted, last) else f"the last message, {_short(last)}, does not match the regex {wanted!r}"


def _model(wanted: str, request: Request, nth: int) -> str | None:
    return None if fnmatchcase(request.model, wanted) else f"the model is {request.model!r}, not {wanted!r}"


def _has_role(wanted: str, request: Request, nth: int) -> str | None:
    return None if _role(request) == wanted else f"the last message's role is {_role(request)!r}, not {wanted!r}"


def _tool_result(wanted: bool, request: Request, nth: int) -> str | None:
    is_result = _role(request) in ("tool", "function")
    return None if is_result == wanted else f"the last message is {'a' if is_result else 'no'} tool result"


def _tool(wanted: str, request: Request, nth: int) -> str | None:
    definitions = [tool.get("function") or tool.get("custom") or {} for tool in request.tools] + list(request.body.get("functions") or ())
    names = [str(definition.get("name")) for definition in definitions]
    return None if wanted in names else f"no tool {wanted!r} is offered{nearest(wanted, names)}"


def _nth(wanted: int, request: Request, nth: int) -> str | None:
    return None if nth == wanted else f"this is request {nth}, not {wanted}"


def _system_contains(wanted: str, request: Request, nth: int) -> str | None:
    texts = (text_of(message) for message in request.messages if message.get("role") in ("system", "developer"))
    return None if any(wanted.casefold() in text.casefold() for text in texts) else f"no system message contains {wanted!r}"


_CONDITIONS: dict[str, Condition] = {
    "contains": _contains,
    "regex": _regex,
    "model": _model,
    "role": _has_role,
    "tool_result": _tool_result,
    "tool": _tool,
    "nth": _nth,
    "system_contains": _system_contains,
}


def _mistakes(rules: Any) -> Iterator[tuple[Where, str]]:
    """What is wrong with the file: first what its schema says, then what a schema cannot say."""
    from jsonschema import Draft202012Validator

    schema = json.loads((bundled("schemas") / "answers.schema.json").read_text(encoding="utf-8"))
    form = schema["oneOf"][1] if isinstance(rules, Mapping) else {"$ref": "#/$defs/rules"}
    for error in Draft202012Validator({"$defs": schema["$defs"], **form}).iter_errors(rules):
        yield from _explained(error)
    rows, inside = (rules.get("rules"), ("rules",)) if isinstance(rules, Mapping) else (rules, ())
    for place, row in enumerate(rows if isinstance(rows, list) else ()):
        if isinstance(row, Mapping):
            for where, message in _rule_mistakes(row):
                yield (*inside, place, *where), message


def _explained(error: Any) -> Iterator[tuple[Where, str]]:
    where = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        for key in error.instance.keys() - known.keys():
            yield (*where, key), f"unknown key '{key}'{nearest(key, known) or '; known: ' + ', '.join(known)}"
    else:
        yield where, f"{f'{where[-1]}: ' if where and isinstance(where[-1], str) else ''}{error.message}"


def _rule_mistakes(row: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    given = [key for key in _SAYS if key in row]
    if not given and "tool_calls" not in row:
        yield (), f"the rule gives nothing: one of {', '.join(_SAYS)} or tool_calls is wanted"
    if len(given) > 1 or ("tool_calls" in row and given and given != ["text"]):
        both = given[:2] if len(given) > 1 else [given[0], "tool_calls"]
        yield (both[1],), f"'{both[0]}' and '{both[1]}' cannot both be given"
    if isinstance(row.get("answer"), Mapping):
        for where, message in script.mistakes(row["answer"]):
            yield ("answer", *where), message
    if isinstance(row.get("regex"), str):
        try:
            re.compile(row["regex"])
        except re.error as error:
            yield ("regex",), f"not a regular expression: {error}"
