"""`POST /api/stream/sse`: a small gateway that forwards the event stream of a completion, faults of its own included.

It answers 200 before it knows, forwards each `data: ` line, says `[DONE]` once more at the upstream's end, and reports an error
of the upstream as `{"error":"API Error"}`, a string.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mockserver import api_errors
from mockserver.answers import ApiError
from mockserver.compile import compile_timeline
from mockserver.steps import End, HangUp, Head, Message, Raw, Reset, Step, Timeline
from mockserver.transports import http
from mockserver.transports.admission import admitted
from mockserver.transports.connection import Sent

if TYPE_CHECKING:
    from aiohttp import web

    from mockserver.route import Route
    from mockserver.upstream import Upstream

DEFAULT_MODEL = "gpt-4.1"
HEAD = Head(200, (("content-type", "text/event-stream"), ("cache-control", "no-cache"), ("connection", "keep-alive")))
API_ERROR = (HEAD, Message(b'data: {"error":"API Error"}\n\n', "error"), End())


async def answer(upstream: Upstream, request: web.BaseRequest, route: Route) -> Sent:
    """Ask the session for a completion of `{prompt, model}`, and forward it. The gateway has a key of its own: none is wanted."""
    received_at = upstream.slots.now()
    session = upstream.session_of(request, route)
    if isinstance(session, ApiError):
        return await http.refuse(upstream, request, upstream.default, session, received_at)
    if request.method != "POST":
        error = api_errors.method_not_allowed(request.method, request.path, ("POST",))
        return await http.refuse(upstream, request, session, error, received_at)
    try:
        body = await http.read_body(request, upstream.settings.max_body)
    except http.Unreadable as large:
        return await http.refuse(upstream, request, session, large.api_error, received_at)
    entry = upstream.enter(session, request, received_at, body)
    asked = upstream.exchange.read(json.dumps(_completion(body)).encode(), strict=False).request
    if isinstance(asked, ApiError) or await admitted(upstream, session, entry, asked) is not None:
        return await http.tell(upstream, request, session, entry, API_ERROR)
    call = upstream.take(session, asked, "sse", http10=request.version < (1, 1), whole=True)
    prepared = upstream.exchange.prepare(call)
    forwarded = compile_timeline(proxied(prepared.plan.timeline), "http", http10=call.http10)
    return await http.perform(upstream, request, call, entry, replace(prepared, compiled=forwarded))


def _completion(body: bytes) -> dict[str, Any]:
    """What the gateway asks for."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    said = said if isinstance(said, dict) else {}
    message = {"role": "user", "content": said.get("prompt")}
    return {"model": said.get("model") or DEFAULT_MODEL, "messages": [message], "stream": True}


def proxied(timeline: Timeline) -> Timeline:
    """The upstream's answer as the gateway passes it on."""
    head = next((step for step in timeline if isinstance(step, Head)), None)
    if head is not None and not 200 <= head.status < 300:
        return API_ERROR
    return (HEAD, *_forwarded(timeline))


def _forwarded(timeline: Timeline) -> Iterator[Step]:
    for step in timeline:
        match step:
            case Head():
                """It was answered already."""
            case Message():
                yield from (
                    Message(line + b"\n\n", step.mark, step.choice) for line in step.data.split(b"\n") if line.startswith(b"data: ")
                )
            case End():
                yield Message(b"data: [DONE]\n\n", "done")
                yield step
            case Raw() | HangUp() | Reset():
                yield Message(b'data: {"error":"terminated"}\n\n', "error")
                yield End()
                return
            case _:
                yield step
