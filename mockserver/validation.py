"""Is a request body valid, and if not, what does the live API say?

A compiled validator over `schemas/chat-request.schema.json` decides in microseconds. It stops at the first fault, and the schema
lists the fields in the order in which the API looks at them, so its first fault is the one the API reports. What a schema of single
fields cannot say (fields that contradict each other, tool calls nobody answered) is looked at afterwards.

Pure: bytes or a mapping in, a value out; nothing raises, whatever the client sends.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from mockserver import api_errors
from mockserver.answers import ApiError
from mockserver.bundled import bundled
from mockserver.model import capabilities

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator


def read_request(data: bytes, *, strict: bool) -> Mapping[str, Any] | ApiError:
    """The request that an HTTP body is, or the API's refusal. `strict` refuses unknown top-level keys and what the model does not
    take, as api.openai.com does."""
    body = read_object(data)
    return body if isinstance(body, ApiError) else check_request(body, strict=strict) or body


def read_object(data: bytes) -> Mapping[str, Any] | ApiError:
    """The JSON object in `data`, or the API's refusal of what is none.

    A name that comes twice counts with its last value (RFC 8259 §4 leaves it open). NaN, Infinity and 1e999 are no numbers, half of
    an escaped surrogate pair is no character (§8.2), and nesting beyond what Python follows is refused rather than followed.
    """
    try:
        body = parse(data.decode())
    except (ValueError, RecursionError):
        return api_errors.not_json()
    return body if isinstance(body, dict) else api_errors.not_json()


def parse(text: str) -> Any:
    """A client's JSON. Raises ValueError, and RecursionError when it is nested too deep."""
    value = _decoder.decode(text)
    if "\\ud" in text or "\\uD" in text:
        json.dumps(value, ensure_ascii=False).encode()
    return value


def check_request(body: Mapping[str, Any], *, strict: bool) -> ApiError | None:
    """The API's refusal of a parsed request, or None. Faults are reported one at a time, in this order: no model, no messages,
    an unknown key, the first bad field, fields that contradict each other, what the model does not take."""
    return (
        _missing(body)
        or (_unknown(body) if strict else None)
        or _bad_field(body)
        or next(filter(None, (rule(body) for rule in CONTRADICTIONS)), None)
        or (capabilities.refusal(body) if strict else None)
    )


def _refuse(number: str) -> float:
    raise ValueError(f"{number} is no number")


def _finite(number: str) -> float:
    value = float(number)
    return value if math.isfinite(value) else _refuse(number)


_decoder = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)


def _missing(body: Mapping[str, Any]) -> ApiError | None:
    if body.get("model") in (None, ""):
        return api_errors.no_model()
    return None if "messages" in body else api_errors.missing_parameter("messages")


def _unknown(body: Mapping[str, Any]) -> ApiError | None:
    """Only keys at the top are held against the client: messages are often an earlier answer sent back with all its fields."""
    known = _schema()["properties"]
    return next((api_errors.unknown_parameter(key) for key in body if key not in known), None)


# One field at a time: the schema


@cache
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((bundled("schemas") / "chat-request.schema.json").read_bytes())
    return schema


@cache
def _validator() -> Draft202012Validator:
    from jsonschema_rs import Draft202012Validator

    return Draft202012Validator(_schema())


def _bad_field(body: Mapping[str, Any]) -> ApiError | None:
    from jsonschema_rs import ValidationError

    if _validator().is_valid(body):
        return None
    # The validator goes through an object's keys in the object's order or in the schema's: here they are the same.
    ordered = {name: body[name] for name in _schema()["properties"] if name in body}
    try:
        _validator().validate(ordered)
    except ValidationError as fault:
        return _refusal(_param(body, fault.instance_path), fault.instance, fault.schema_path)
    except ValueError:  # nested too deeply to be shown
        return api_errors.not_json()
    return None


def _refusal(param: str, value: Any, rule: Sequence[str | int]) -> ApiError:
    """What the API says when `value` breaks the schema's keyword at the path `rule`."""
    schema: Any = _schema()
    for step in rule[:-1]:
        schema = schema[step]
    keyword = rule[-1]
    limit = schema[keyword]
    kind: Literal["integer", "decimal"] = "integer" if "integer" in _types(schema) else "decimal"
    if rule[-2] == "propertyNames":
        return _bad_name(param, value, schema)
    match keyword:
        case "type":
            return api_errors.invalid_type(param, _expected(schema), _got(value))
        case "enum":
            return api_errors.invalid_value(param, value, _options(limit))
        case "required":
            return api_errors.missing_parameter(_joined(param, next(name for name in limit if name not in value)))
        case "additionalProperties":
            return api_errors.unknown_parameter(_joined(param, next(name for name in value if name not in schema["properties"])))
        case "minimum":
            return api_errors.below_minimum(param, value, limit, kind)
        case "maximum":
            return api_errors.above_maximum(param, value, limit, kind)
        case "minItems":
            return api_errors.array_too_short(param, len(value), limit)
        case "maxItems":
            return api_errors.array_too_long(param, len(value), limit)
        case "minLength":
            return api_errors.string_too_short(param, len(value), limit)
        case "maxLength":
            return api_errors.string_too_long(param, len(value), limit)
        case "pattern":
            return api_errors.pattern_mismatch(param, limit)
        case "maxProperties":
            return api_errors.too_many_properties(param, len(value), limit)
    raise AssertionError(f"the schema of requests uses '{keyword}', for which no refusal is known")


def _bad_name(param: str, value: Mapping[str, Any], names: Mapping[str, Any]) -> ApiError:
    """A key that breaks `propertyNames`: `metadata` limits their length, `logit_bias` wants numbers."""
    if "maxLength" in names:
        return api_errors.property_name_too_long(param, next(name for name in value if len(name) > names["maxLength"]), names["maxLength"])
    return api_errors.not_a_token_id(next(name for name in value if not re.fullmatch(names["pattern"], name)))


def _param(body: Mapping[str, Any], place: Iterable[str | int]) -> str:
    """A place in the body as the API writes it: `messages[0].content`, `metadata.user`."""
    param, value = "", body
    for step in place:
        if isinstance(value, list):
            param, value = f"{param}[{step}]", value[int(step)]
        else:
            param, value = _joined(param, step), value.get(str(step), {})
    return param


def _joined(param: str, name: str | int) -> str:
    return f"{param}.{name}" if param else str(name)


def _resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return _resolved(_schema()["$defs"][schema["$ref"].rpartition("/")[2]]) if "$ref" in schema else schema


def _types(schema: Mapping[str, Any]) -> list[str]:
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else [name for name in types if name != "null"]


def _expected(schema: Mapping[str, Any]) -> str:
    """`an integer`, `an array of objects`, `one of 'a' or 'b'`, `one of a string or array of objects`."""
    first, *others = (_wanted(name, schema) for name in _types(schema))
    whole = first if first.startswith("one of") else f"{'an' if first[0] in 'aeiou' else 'a'} {first}"
    return f"one of {api_errors.enumerated([whole, *others], 'or')}" if others else whole


def _wanted(name: str, schema: Mapping[str, Any]) -> str:
    conditions = [part["then"] for part in schema.get("allOf", ()) if part["if"].get("type") == name]
    options = next((part["enum"] for part in (schema, *conditions) if "enum" in part), None)
    if name == "string" and options:
        return "one of " + api_errors.enumerated([f"'{option}'" for option in _options(options)], "or")
    if name == "array":
        (item,) = _types(_resolved(schema["items"]))
        return f"array of {item}s"
    return {"number": "decimal"}.get(name, name)


def _options(enum: Iterable[str | None]) -> list[str]:
    return [option for option in enum if option is not None]


def _got(value: Any) -> str:
    if isinstance(value, bool):
        return "a boolean"
    kinds = {int: "an integer", float: "a decimal number", str: "a string", list: "an array", dict: "an object"}
    return kinds.get(type(value), "null")


# Several fields together


def _switched_off(body: Mapping[str, Any]) -> ApiError | None:
    for param, enabler in (("stream_options", "stream"), ("top_logprobs", "logprobs")):
        if body.get(param) is not None and not body.get(enabler):
            return api_errors.only_allowed_when_enabled(param, enabler)
    for param, enabler in (("tool_choice", "tools"), ("parallel_tool_calls", "tools"), ("function_call", "functions")):
        if body.get(param) is not None and not body.get(enabler):
            return api_errors.only_allowed_when_specified(param, enabler)
    return None


def _unknown_choice(body: Mapping[str, Any]) -> ApiError | None:
    """A tool or function that must be called is one of those that were given."""
    for param, where in (("tool_choice", "tools"), ("function_call", "functions")):
        wanted = _name_of(choice) if isinstance(choice := body.get(param), dict) else None
        if wanted is not None and wanted not in map(_name_of, body[where]):
            return api_errors.nothing_of_that_name(param, wanted, where)
    return None


def _name_of(tool: Mapping[str, Any]) -> str | None:
    """The name in `{type, function: {name}}`, `{type, custom: {name}}` or, as functions were written before tools, `{name}`."""
    name: str | None = tool.get(str(tool.get("type")), tool).get("name")
    return name


def _tool_calls(body: Mapping[str, Any]) -> ApiError | None:
    """Every call of an assistant message is answered by the tool messages right after it, and they answer nothing else."""
    calls: list[str] = []
    open_calls: list[str] = []
    for index, message in enumerate(body["messages"]):
        if message["role"] == "tool":
            call = message["tool_call_id"]
            if not calls:
                return api_errors.tool_message_without_call(index)
            if call not in calls:
                return api_errors.tool_call_unknown(index, call)
            open_calls = [other for other in open_calls if other != call]
            continue
        if open_calls:
            return api_errors.tool_calls_unanswered(index, open_calls)
        calls = [call["id"] for call in message.get("tool_calls") or ()] if message["role"] == "assistant" else []
        open_calls = calls
    return api_errors.tool_calls_unanswered(len(body["messages"]) - 1, open_calls) if open_calls else None


def _json_mode(body: Mapping[str, Any]) -> ApiError | None:
    """Without being told to, a model in JSON mode may write blanks until its tokens are used up."""
    if (body.get("response_format") or {}).get("type") != "json_object":
        return None
    mentioned = any("json" in text.lower() for message in body["messages"] for text in _texts(message))
    return None if mentioned else api_errors.json_not_mentioned()


def _texts(message: Mapping[str, Any]) -> Iterator[str]:
    content = message.get("content")
    if isinstance(content, str):
        yield content
    for part in content if isinstance(content, list) else ():
        yield part.get("text") or ""


CONTRADICTIONS: tuple[Callable[[Mapping[str, Any]], ApiError | None], ...] = (_switched_off, _unknown_choice, _tool_calls, _json_mode)
