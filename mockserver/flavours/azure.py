"""Azure OpenAI: OpenAI's stream with every object's keys sorted and content filter results around it.

The first chunk tells of the prompt and has neither id, model nor choice (learn.microsoft.com, "Content filtering
streaming"); the usage chunk carries the service's latencies.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from mockserver.answers import ApiError, Headers, Identity, Reply, Request
from mockserver.events import Chunk, Event, Events
from mockserver.flavours import _error_body
from mockserver.flavours._speech import Json, Said, Speech
from mockserver.flavours.openai import OpenAI

_SAFE = {
    "hate": {"filtered": False, "severity": "safe"},
    "jailbreak": {"detected": False, "filtered": False},
    "self_harm": {"filtered": False, "severity": "safe"},
    "sexual": {"filtered": False, "severity": "safe"},
    "violence": {"filtered": False, "severity": "safe"},
}
_PROMPT = [{"prompt_index": 0, "content_filter_results": _SAFE}]
_BLOCKED = {**{key: _SAFE[key] for key in ("self_harm", "sexual", "violence")}, "hate": {"filtered": True, "severity": "high"}}
_LATENCY = {
    "engine_tbt_ms": 14,
    "engine_ttft_ms": 33,
    "engine_ttlt_ms": 1879,
    "pre_inference_ms": 152,
    "service_tbt_ms": 14,
    "service_ttft_ms": 230,
    "service_ttlt_ms": 2074,
    "total_duration_ms": 1928,
    "user_visible_ttft_ms": 78,
}


class Azure(OpenAI):
    name: ClassVar[str] = "azure"

    def speak(self, request: Request, reply: Reply, identity: Identity) -> Events:
        return tuple(_sorted_chunk(event) for event in super().speak(request, reply, identity))

    def whole(self, request: Request, reply: Reply, identity: Identity) -> Json:
        body = dict(super().whole(request, reply, identity))
        body["choices"] = [{**choice, "content_filter_results": _filtered(choice["message"].get("content"))} for choice in body["choices"]]
        return {key: _PROMPT if key == "prompt_filter_results" else _sorted(body[key]) for key in sorted({*body, "prompt_filter_results"})}

    def before(self, speech: Speech) -> Iterator[Event]:
        yield Chunk("other", {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": _PROMPT})

    def after(self, speech: Speech) -> Iterator[Event]:
        for event in super().after(speech):
            yield Chunk("usage", {**event.body, "latency_checkpoint": _LATENCY}) if isinstance(event, Chunk) else event

    def choice(self, speech: Speech, said: Said) -> dict[str, Any]:
        filtered = _BLOCKED if said.finish == "content_filter" else _filtered(said.text)
        return {"content_filter_results": filtered, "logprobs": None, **super().choice(speech, said)}

    def own_error_response(self, error: ApiError) -> tuple[str, bytes]:
        if error.status in (400, 500):
            return super().own_error_response(error)
        # The gateway in front of the model refuses with a body of its own: no type, no param.
        code = "DeploymentNotFound" if error.status == 404 else str(error.status)
        return _error_body.JSON, _error_body.written({"error": {"code": code, "message": error.message}})

    def error_body(self, error: ApiError) -> dict[str, Any]:
        body = super().error_body(error)
        if error.code == "content_filter":
            inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": _BLOCKED}
            body["error"] = {**body["error"], "status": error.status, "innererror": inner}
        return body

    def headers(self, request: Request) -> Headers:
        return (
            ("x-ms-deployment-name", request.model),
            ("x-ms-region", "East US 2"),
            ("azureml-model-session", "d020-20250101000000"),
            ("strict-transport-security", "max-age=31536000; includeSubDomains; preload"),
            ("x-content-type-options", "nosniff"),
        )


def _filtered(text: str | None) -> Json:
    return {"protected_material_text": {"detected": False, "filtered": False}} if text else {}


def _sorted_chunk(event: Event) -> Event:
    # All but the first chunk, which is the filter's own.
    return Chunk(event.mark, _sorted(event.body), event.choice) if isinstance(event, Chunk) and event.mark != "other" else event


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
