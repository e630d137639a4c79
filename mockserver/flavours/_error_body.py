"""How providers write an error: one JSON value, or plain text, for each shape a profile may ask for.

Sources: OpenAI's ErrorResponse (openai-openapi), OpenRouter's and Mistral's API references, vLLM's ErrorResponse before and
after it was nested, LiteLLM's proxy, whose missing fields are the string `None`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from mockserver.answers import ApiError, ErrorShape

JSON = "application/json"


def _openai(error: ApiError) -> dict[str, Any]:
    return {"error": {"message": error.message, "type": error.type, "param": error.param, "code": error.code}}


def _string(error: ApiError) -> dict[str, Any]:
    return {"error": error.message}


def _flat(error: ApiError) -> dict[str, Any]:
    return {"object": "error", "message": error.message, "type": error.type, "param": error.param, "code": error.code}


def _openrouter(error: ApiError) -> dict[str, Any]:
    metadata = {"metadata": {"error_type": error.code}} if error.code else {}
    return {"error": {"message": error.message, "code": error.status, **metadata}}


def _mistral_detail(error: ApiError) -> dict[str, Any]:
    return {"detail": error.message}


def _mistral_validation(error: ApiError) -> dict[str, Any]:
    where = ["body", *error.param.split(".")] if error.param else ["body"]
    return {"detail": [{"loc": where, "msg": error.message, "type": error.code or "value_error"}]}


def _vllm(error: ApiError) -> dict[str, Any]:
    return {"error": {"message": error.message, "type": _class_name(error.status), "param": error.param, "code": error.status}}


def _litellm(error: ApiError) -> dict[str, Any]:
    return {"error": {"message": error.message, "type": error.type, "param": str(error.param), "code": error.code or str(error.status)}}


def _class_name(status: int) -> str:
    """`BadRequestError`, `NotFoundError`: the status' own words, as vLLM names its exceptions."""
    try:
        words = HTTPStatus(status).phrase
    except ValueError:
        words = "Unknown"
    return "".join(word.capitalize() for word in words.replace("-", " ").split()).removesuffix("Error") + "Error"


_BODIES: Mapping[ErrorShape, Callable[[ApiError], dict[str, Any]]] = {
    "openai": _openai,
    "string": _string,
    "flat": _flat,
    "openrouter": _openrouter,
    "mistral-detail": _mistral_detail,
    "mistral-validation": _mistral_validation,
    "vllm": _vllm,
    "litellm": _litellm,
    # In-band, where an object is needed, text becomes the string form.
    "text": _string,
}


def body(shape: ErrorShape, error: ApiError) -> dict[str, Any]:
    """The error as a JSON object."""
    return _BODIES[shape](error)


def response(shape: ErrorShape, error: ApiError) -> tuple[str, bytes]:
    """Content type and body of an HTTP error in this shape."""
    if shape == "text":
        return "text/plain; charset=utf-8", error.message.encode("utf-8", "backslashreplace")
    return JSON, written(body(shape, error))


def written(value: Mapping[str, Any]) -> bytes:
    """Error bodies are written for people: indented, as api.openai.com does. What a client sent that is no UTF-8 is an escape in them."""
    return json.dumps(value, ensure_ascii=False, indent=2).encode("utf-8", "backslashreplace")
