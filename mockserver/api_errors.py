"""What the live API answers to a request it refuses: one function for each refusal, with status, type, param, code and the
message word for word.

The texts are those of `POST https://api.openai.com/v1/chat/completions`, as recorded from live traffic and in public bug reports;
the error object is `Error` of https://github.com/openai/openai-openapi (type, message, param and code, the last two nullable).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from http import HTTPStatus
from typing import Literal

from mockserver.answers import ApiError

ORGANIZATION = "org-streamproof"
"""Whose account it is: the same in the `openai-organization` field and in what is said of its limits."""
LONGEST_ECHO = 24
"""Longer values are echoed by their first and last three characters: `'PIN...def'`. 13 are known to be echoed whole, 28 to be cut."""


# 400: the body


def not_json() -> ApiError:
    return ApiError(
        400,
        "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly. "
        "The OpenAI API expects a JSON payload, but what was sent was not valid JSON. If you have trouble figuring out how to fix this, "
        "please contact us through our help center at help.openai.com.)",
    )


def no_model() -> ApiError:
    return ApiError(400, "you must provide a model parameter")


def missing_parameter(param: str) -> ApiError:
    return ApiError(400, f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter")


def unknown_parameter(param: str) -> ApiError:
    return ApiError(400, f"Unknown parameter: '{param}'.", param=param, code="unknown_parameter")


def invalid_type(param: str, expected: str, got: str) -> ApiError:
    """`expected` and `got` with their articles: `an integer`, `a decimal number`."""
    return ApiError(400, f"Invalid type for '{param}': expected {expected}, but got {got} instead.", param=param, code="invalid_type")


def invalid_value(param: str, value: str, supported: Sequence[str]) -> ApiError:
    wanted = enumerated([f"'{word}'" for word in supported], "and")
    return ApiError(400, f"Invalid value: '{_echo(value)}'. Supported values are: {wanted}.", param=param, code="invalid_value")


def below_minimum(param: str, value: float, minimum: float, kind: Literal["integer", "decimal"]) -> ApiError:
    """`kind` is the field's type, not the value's: a temperature of 200 is a decimal."""
    message = f"Invalid '{param}': {kind} below minimum value. Expected a value >= {minimum}, but got {value} instead."
    return ApiError(400, message, param=param, code=f"{kind}_below_min_value")


def above_maximum(param: str, value: float, maximum: float, kind: Literal["integer", "decimal"]) -> ApiError:
    message = f"Invalid '{param}': {kind} above maximum value. Expected a value <= {maximum}, but got {value} instead."
    return ApiError(400, message, param=param, code=f"{kind}_above_max_value")


def array_too_short(param: str, length: int, minimum: int) -> ApiError:
    wanted = f"Expected an array with minimum length {minimum}, but got an"
    if length == 0:
        return ApiError(400, f"Invalid '{param}': empty array. {wanted} empty array instead.", param=param, code="empty_array")
    message = f"Invalid '{param}': array too short. {wanted} array with length {length} instead."
    return ApiError(400, message, param=param, code="array_below_min_length")


def array_too_long(param: str, length: int, maximum: int) -> ApiError:
    message = f"Expected an array with maximum length {maximum}, but got an array with length {length} instead."
    return ApiError(400, f"Invalid '{param}': array too long. {message}", param=param, code="array_above_max_length")


def string_too_short(param: str, length: int, minimum: int) -> ApiError:
    wanted = f"Expected a string with minimum length {minimum}, but got"
    if length == 0:
        return ApiError(400, f"Invalid '{param}': empty string. {wanted} an empty string instead.", param=param, code="empty_string")
    message = f"Invalid '{param}': string too short. {wanted} a string with length {length} instead."
    return ApiError(400, message, param=param, code="string_below_min_length")


def string_too_long(param: str, length: int, maximum: int) -> ApiError:
    message = f"Expected a string with maximum length {maximum}, but got a string with length {length} instead."
    return ApiError(400, f"Invalid '{param}': string too long. {message}", param=param, code="string_above_max_length")


def pattern_mismatch(param: str, pattern: str) -> ApiError:
    message = f"Invalid '{param}': string does not match pattern. Expected a string that matches the pattern '{pattern}'."
    return ApiError(400, message, param=param, code="invalid_value")


def too_many_properties(param: str, count: int, maximum: int) -> ApiError:
    wanted = f"Expected an object with at most {maximum} properties, but got an object with {count} properties instead."
    return ApiError(400, f"Invalid '{param}': too many properties. {wanted}", param=param, code="object_above_max_properties")


def property_name_too_long(param: str, name: str, maximum: int) -> ApiError:
    wanted = f"Expected a string with maximum length {maximum}, but got a string with length {len(name)} instead."
    message = f"Invalid property name in '{param}': '{_echo(name)}' is too long. {wanted}"
    return ApiError(400, message, param=f"{param}.{name}", code="property_name_above_max_length")


def not_a_token_id(key: str) -> ApiError:
    """A key of `logit_bias` that is not a token's number."""
    message = f"Invalid key in 'logit_bias': {key}. You should only be submitting non-negative integers."
    return ApiError(400, message, param="logit_bias")


# 400: fields that contradict each other, or the model


def only_allowed_when_enabled(param: str, enabler: str) -> ApiError:
    """`stream_options` without `stream`, `top_logprobs` without `logprobs`."""
    return ApiError(400, f"The '{param}' parameter is only allowed when '{enabler}' is enabled.", param=param)


def only_allowed_when_specified(param: str, enabler: str) -> ApiError:
    """`tool_choice` and `parallel_tool_calls` without `tools`, `function_call` without `functions`."""
    return ApiError(400, f"Invalid value for '{param}': '{param}' is only allowed when '{enabler}' are specified.", param=param)


def nothing_of_that_name(param: str, name: str, where: str) -> ApiError:
    """`tool_choice` names none of the `tools`, `function_call` none of the `functions`."""
    return ApiError(400, f"Invalid value for '{param}': no function named '{name}' was specified in the '{where}' parameter.", param=param)


def tool_message_without_call(index: int) -> ApiError:
    """The spelling of "preceeding" is the API's; so is the dot before the index."""
    message = "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
    return ApiError(400, message, param=f"messages.[{index}].role")


def tool_call_unknown(index: int, call: str) -> ApiError:
    message = f"Invalid parameter: 'tool_call_id' of '{call}' not found in 'tool_calls' of previous message."
    return ApiError(400, message, param=f"messages.[{index}].tool_call_id")


def tool_calls_unanswered(index: int, calls: Sequence[str]) -> ApiError:
    """`index` is that of the message that stands where the tool's answer should."""
    message = (
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
        f"The following tool_call_ids did not have response messages: {', '.join(calls)}"
    )
    return ApiError(400, message, param=f"messages.[{index}].role")


def json_not_mentioned() -> ApiError:
    message = "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
    return ApiError(400, message, param="messages")


def unsupported_parameter(param: str, instead: str | None = None) -> ApiError:
    hint = f" Use '{instead}' instead." if instead else ""
    message = f"Unsupported parameter: '{param}' is not supported with this model.{hint}"
    return ApiError(400, message, param=param, code="unsupported_parameter")


def not_at_once(param: str, other: str) -> ApiError:
    """As reported in https://github.com/langchain-ai/langgraph/issues/5943."""
    message = f"Setting '{param}' and '{other}' at the same time is not supported."
    return ApiError(400, message, param=param, code="invalid_parameter_combination")


def only_the_default(param: str, value: object, default: object) -> ApiError:
    message = f"Unsupported value: '{param}' does not support {value} with this model. Only the default ({default}) value is supported."
    return ApiError(400, message, param=param, code="unsupported_value")


def context_length_exceeded(tokens: int, maximum: int) -> ApiError:
    message = (
        f"This model's maximum context length is {maximum} tokens. However, your messages resulted in {tokens} tokens. "
        "Please reduce the length of the messages."
    )
    return ApiError(400, message, param="messages", code="context_length_exceeded")


# 401, 403: who asks


def invalid_api_key(key: str) -> ApiError:
    message = f"Incorrect API key provided: {masked(key)}. You can find your API key at https://platform.openai.com/account/api-keys."
    return ApiError(401, message, code="invalid_api_key")


def masked(key: str) -> str:
    """A key as the API echoes it: its first 8 and last 4 characters. Of a key that this would give away, only the first half."""
    shown, tail = (8, 4) if len(key) > 12 else (len(key) // 2, 0)
    return key[:shown] + "*" * (len(key) - shown - tail) + key[len(key) - tail :]


def no_api_key() -> ApiError:
    return ApiError(
        401,
        "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
        "(i.e. Authorization: Bearer YOUR_KEY), or as the password field (with blank username) if you're accessing the API from your "
        "browser and are prompted for a username and password. You can obtain an API key from "
        "https://platform.openai.com/account/api-keys.",
    )


def unsupported_region() -> ApiError:
    message = "Country, region, or territory not supported"
    return ApiError(403, message, type="request_forbidden", code="unsupported_country_region_territory")


# 404, 405, 413, 415, 426: what is asked for, and how


def model_not_found(model: str) -> ApiError:
    return ApiError(404, f"The model `{model}` does not exist or you do not have access to it.", code="model_not_found")


def unknown_url(method: str, path: str) -> ApiError:
    message = (
        f"Unknown request URL: {method} {path}. Please check the URL for typos, or see the docs at "
        "https://platform.openai.com/docs/api-reference/."
    )
    return ApiError(404, message, code="unknown_url")


def method_not_allowed(method: str, path: str, allowed: Sequence[str]) -> ApiError:
    """`allowed` are the methods the URL has: RFC 9110 §15.5.6 wants them in the Allow field."""
    message = f"Not allowed to {method} on {path}. (HINT: Perhaps you meant to use a different HTTP method?)"
    return ApiError(405, message, headers=(("Allow", ", ".join(allowed)),))


def body_too_large(size: int, maximum: int) -> ApiError:
    """`size` is what was read or announced before the server gave up, in bytes."""
    return ApiError(413, f"Maximum content size limit ({maximum}) exceeded ({size} bytes read)", code="request_too_large")


def unsupported_content_type(content_type: str) -> ApiError:
    message = (
        f"Unsupported content type: '{content_type}'. This API method only accepts 'application/json' requests, but you specified the "
        f"header 'Content-Type: {content_type}'. Please try again with a supported content type."
    )
    return ApiError(415, message, code="unsupported_content_type")


def upgrade_required(path: str) -> ApiError:
    """A plain GET of a WebSocket URL; RFC 9110 §15.5.22 wants the protocol in the Upgrade field."""
    message = f"{path} only speaks WebSocket: connect with an Upgrade header."
    return ApiError(426, message, code="upgrade_required", headers=(("Upgrade", "websocket"), ("Connection", "Upgrade")))


# 429: too much


def rate_limited(
    model: str,
    limit: Literal["requests", "tokens"],
    *,
    maximum: int,
    used: int,
    requested: int,
    seconds: float,
    organization: str = ORGANIZATION,
) -> ApiError:
    """The limit per minute of requests (RPM) or tokens (TPM) is reached; `seconds` until the same request would be let through."""
    unit = {"requests": "requests per min (RPM)", "tokens": "tokens per min (TPM)"}[limit]
    message = (
        f"Rate limit reached for {model} in organization {organization} on {unit}: Limit {maximum}, Used {used}, Requested {requested}. "
        f"Please try again in {duration(seconds)}. Visit https://platform.openai.com/account/rate-limits to learn more."
    )
    milliseconds = math.ceil(seconds * 1000)
    headers = (("retry-after", str(max(1, math.ceil(seconds)))), ("retry-after-ms", str(milliseconds)))
    return ApiError(429, message, type=limit, code="rate_limit_exceeded", headers=headers)


def duration(seconds: float) -> str:
    """A time as the API writes it, in Go's form to the millisecond: `174ms`, `1.2s`, `6m0s`, `1h0m3s`."""
    milliseconds = math.ceil(seconds * 1000)
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds else "0s"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    long = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{long}{rest / 1000:g}s"


def slow_down() -> ApiError:
    """The request rate rose too fast (https://platform.openai.com/docs/guides/error-codes, "Slow Down")."""
    message = (
        "Slow Down. Please reduce your request rate to its original level, keep it steady for at least 15 minutes, "
        "and then gradually increase it."
    )
    return ApiError(429, message, type="rate_limit_error", code="slow_down")


# 5xx: the server's own failures


def server_error() -> ApiError:
    return ApiError(500, "The server had an error while processing your request. Sorry about that!", type="server_error")


def overloaded() -> ApiError:
    message = "The engine is currently overloaded, please try again later"
    return ApiError(503, message, type="service_unavailable_error", code="server_is_overloaded")


# By status


def typical(status: int, model: str) -> ApiError:
    """The error api.openai.com gives with a status; for a status it does not use, the status' own words (RFC 9110 §15)."""
    match status:
        case 401:
            return invalid_api_key("sk-streamproof-0000")
        case 403:
            return unsupported_region()
        case 404:
            return model_not_found(model)
        case 429:
            return slow_down()
        case 500:
            return server_error()
        case 503:
            return overloaded()
    return ApiError(status, _phrase(status), "server_error" if status >= 500 else "invalid_request_error")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"The server answered with status {status}"


# How the texts are put together


def enumerated(words: Sequence[str], conjunction: Literal["and", "or"]) -> str:
    """`a`, `a and b`, `a, b, and c`."""
    if len(words) < 3:
        return f" {conjunction} ".join(words)
    return f"{', '.join(words[:-1])}, {conjunction} {words[-1]}"


def _echo(value: str) -> str:
    return value if len(value) <= LONGEST_ECHO else f"{value[:3]}...{value[-3:]}"
