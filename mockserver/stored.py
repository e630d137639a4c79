"""Completions that were asked for with `store: true`: got, updated, deleted, listed, in their session's bounded memory.

https://platform.openai.com/docs/api-reference/chat/list and the pages beside it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mockserver import api_errors, mock_errors
from mockserver.answers import ApiError
from mockserver.sessions import Session
from mockserver.transports import http
from mockserver.transports.connection import Sent
from mockserver.transports.outside import json_timeline

if TYPE_CHECKING:
    from aiohttp import web

    from mockserver.route import Route
    from mockserver.upstream import Upstream

DEFAULT_LIMIT, MAX_LIMIT = 20, 100


async def answer(upstream: Upstream, request: web.BaseRequest, route: Route) -> Sent:
    """`GET …/chat/completions`, and what lies below it."""
    received_at = upstream.slots.now()
    session = upstream.session_of(request, route)
    if isinstance(session, ApiError):
        return await http.refuse(upstream, request, upstream.default, session, received_at)
    refusal = upstream.admit(session, request)
    if refusal is None and upstream.fleet is not None:
        await upstream.fleet.recall_stored(session)
    said = refusal or await _said(upstream, request, route, session)
    if upstream.fleet is not None and request.method in ("POST", "DELETE") and not isinstance(said, ApiError):
        await upstream.fleet.keep_stored(session, route.name)
    if isinstance(said, ApiError):
        return await http.refuse(upstream, request, session, said, received_at)
    entry = upstream.enter(session, request, received_at)
    try:
        return await http.send(upstream, request, session, entry, json_timeline(said))
    finally:
        if upstream.fleet is not None:
            upstream.fleet.entered(session, entry, final=True)


async def _said(upstream: Upstream, request: web.BaseRequest, route: Route, session: Session) -> Any:
    methods: dict[str, Callable[[], Any]] = {"GET": lambda: _listed(session, request.query)}
    if route.surface != "chat":
        if route.name not in session.stored:
            return mock_errors.not_stored(route.name)
        completion, messages = session.stored[route.name]
        if route.surface == "messages":
            methods = {"GET": lambda: _page(_messages(route.name, messages), request.query)}
        else:
            methods = {"GET": lambda: completion, "POST": lambda: body, "DELETE": lambda: _deleted(session, route.name)}
    if request.method not in methods:
        return api_errors.method_not_allowed(request.method, request.path, tuple(methods))
    if request.method != "POST":
        return methods[request.method]()
    try:
        body = json.loads(await http.read_body(request, upstream.settings.max_body))
    except http.Unreadable as error:
        return error.api_error
    except (ValueError, RecursionError):
        return api_errors.not_json()
    return _updated(completion, body, strict=upstream.strict(session))


def _updated(completion: dict[str, Any], body: Any, *, strict: bool) -> Any:
    """The metadata is checked as that of a request is."""
    from mockserver.validation import check_request

    if not isinstance(body, dict):
        return api_errors.not_json()
    if "metadata" not in body:
        return api_errors.missing_parameter("metadata")
    asked = {**body, "model": completion["model"], "messages": [{"role": "user", "content": ""}]}
    if (refusal := check_request(asked, strict=strict)) is not None:
        return refusal
    completion["metadata"] = body["metadata"] or {}
    return completion


def _deleted(session: Session, name: str) -> dict[str, Any]:
    del session.stored[name]
    return {"object": "chat.completion.deleted", "id": name, "deleted": True}


def _listed(session: Session, query: Mapping[str, str]) -> Any:
    wanted = {name[len("metadata[") : -1]: value for name, value in query.items() if name.startswith("metadata[") and name.endswith("]")}
    found = [
        completion
        for completion, _ in session.stored.values()
        if query.get("model") in (None, completion["model"]) and wanted.items() <= completion["metadata"].items()
    ]
    return _page(found, query)


def _messages(name: str, messages: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"id": f"{name}-{number}", **message} for number, message in enumerate(messages)]


def _page(items: list[dict[str, Any]], query: Mapping[str, str]) -> Any:
    """The part of a list that `after`, `limit` and `order` ask for."""
    limit = query.get("limit", str(DEFAULT_LIMIT))
    if not limit.isdecimal():
        return api_errors.invalid_type("limit", "an integer", "a string")
    if not 1 <= int(limit) <= MAX_LIMIT:
        return (
            api_errors.below_minimum("limit", int(limit), 1, "integer")
            if int(limit) < 1
            else api_errors.above_maximum("limit", int(limit), MAX_LIMIT, "integer")
        )
    order = query.get("order", "asc")
    if order not in ("asc", "desc"):
        return api_errors.invalid_value("order", order, ("asc", "desc"))
    ordered = items if order == "asc" else items[::-1]
    after = query.get("after")
    if after is not None:
        place = next((number for number, item in enumerate(ordered, 1) if item["id"] == after), len(ordered))
        ordered = ordered[place:]
    page = ordered[: int(limit)]
    ends = {"first_id": page[0]["id"] if page else None, "last_id": page[-1]["id"] if page else None}
    return {"object": "list", "data": page, **ends, "has_more": len(ordered) > len(page)}
