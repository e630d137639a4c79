"""The API errors that faults say, over HTTP or in-band: what is not given is what the real API says with that status."""

from __future__ import annotations

from http import HTTPStatus

from mockserver import api_errors
from mockserver.answers import ApiError


def typical(status: int, model: str) -> ApiError:
    """The error api.openai.com gives with a status; for a status it does not use, the status' own words (RFC 9110 §15)."""
    match status:
        case 401:
            return api_errors.invalid_api_key("sk-streamproof-0000")
        case 403:
            return api_errors.unsupported_region()
        case 404:
            return api_errors.model_not_found(model)
        case 429:
            return api_errors.slow_down()
        case 500:
            return api_errors.server_error()
        case 503:
            return api_errors.overloaded()
    return ApiError(status, _phrase(status), "server_error" if status >= 500 else "invalid_request_error")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"The server answered with status {status}"
