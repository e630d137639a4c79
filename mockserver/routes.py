"""What answers which part of the surface. Each imports what it needs when it is asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from mockserver import api_errors, mock_errors
from mockserver.answers import ApiError, Plain
from mockserver.cors import preflight_fields
from mockserver.health import api_health, health
from mockserver.plan import plain_timeline
from mockserver.route import Route, Surface
from mockserver.transports import http
from mockserver.transports.connection import Sent
from mockserver.transports.outside import reply, reply_json
from mockserver.upstream import Upstream

Answering = Callable[[Upstream, web.BaseRequest, Route], Awaitable[web.StreamResponse]]

MODELS = ("gpt-4.1", "gpt-4.1-mini", "gpt-4o", "gpt-4o-mini", "o4-mini", "claude-sonnet-4.5", "gemini-2.5-flash", "deepseek-v3.2")
"""What is listed where any model is known."""
MODELS_CREATED = 1_686_935_002


async def preflight(upstream: Upstream, request: web.BaseRequest) -> Sent:
    """204 to every preflight, without a key: a browser sends none."""
    return await reply(upstream, request, plain_timeline(Plain(204, preflight_fields(request.headers))))


async def chat(upstream: Upstream, request: web.BaseRequest, asked: Route) -> Sent:
    """A POST is answered, a GET lists what was stored."""
    if request.method != "GET":
        return await http.chat(upstream, request, asked)
    return await stored(upstream, request, asked)


async def stored(upstream: Upstream, request: web.BaseRequest, asked: Route) -> Sent:
    from mockserver import stored as surface

    return await surface.answer(upstream, request, asked)


async def models(upstream: Upstream, request: web.BaseRequest, asked: Route) -> Sent:
    """Whoever looks may see them, unless there are keys to be told from others."""
    session = upstream.session_of(request, asked)
    if isinstance(session, ApiError):
        return await refuse(upstream, request, asked, session)
    if upstream.settings.api_keys and (refusal := upstream.admit(session, request)) is not None:
        return await refuse(upstream, request, asked, refusal)
    if request.method not in ("GET", "HEAD"):
        return await refuse(upstream, request, asked, api_errors.method_not_allowed(request.method, request.path, ("GET", "HEAD")))
    known = upstream.settings.models
    if asked.surface == "models":
        return await reply_json(upstream, request, {"object": "list", "data": [_model(name) for name in known or MODELS]})
    if known and asked.name not in known:
        return await refuse(upstream, request, asked, api_errors.model_not_found(asked.name))
    return await reply_json(upstream, request, _model(asked.name))


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": MODELS_CREATED, "owned_by": "streamproof"}


async def seed_proxy(upstream: Upstream, request: web.BaseRequest, asked: Route) -> Sent:
    from mockserver import seed_proxy as surface

    return await surface.answer(upstream, request, asked)


async def elsewhere(upstream: Upstream, request: web.BaseRequest, asked: Route) -> Sent:
    other = asked.surface == "other-api"
    error = mock_errors.other_api(asked.name) if other else api_errors.unknown_url(request.method, request.path)
    return await refuse(upstream, request, asked, error)


async def refuse(upstream: Upstream, request: web.BaseRequest, asked: Route, error: ApiError) -> Sent:
    """In the session's voice and journal, if there is that session."""
    found = upstream.session_of(request, asked)
    session, said = (upstream.default, found) if isinstance(found, ApiError) else (found, error)
    return await http.refuse(upstream, request, session, said, upstream.slots.now())


async def control(upstream: Upstream, request: web.BaseRequest, asked: Route) -> Sent:
    from mockserver import control as surface

    return await surface.answer(upstream, request, asked)


async def websocket(upstream: Upstream, request: web.BaseRequest, asked: Route) -> web.StreamResponse:
    from mockserver.transports import websocket as surface

    return await surface.answer(upstream, request, asked)


ROUTES: dict[Surface, Answering] = {
    "chat": chat,
    "stored": stored,
    "messages": stored,
    "models": models,
    "model": models,
    "websocket": websocket,
    "health": health,
    "api-health": api_health,
    "seed-proxy": seed_proxy,
    "control": control,
    "other-api": elsewhere,
    "unknown": elsewhere,
}
