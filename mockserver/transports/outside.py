"""Answers outside chat completions: they take no turn and stand in no journal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from mockserver.answers import Headers
from mockserver.journal import RequestEntry
from mockserver.steps import End, Head, Message, Timeline
from mockserver.transports import http
from mockserver.transports.connection import Connection, Sent

if TYPE_CHECKING:
    from aiohttp import web

    from mockserver.upstream import Upstream


async def reply(upstream: Upstream, request: web.BaseRequest, timeline: Timeline) -> Sent:
    """Play a timeline that belongs to no session."""
    connection = cast(Connection, request.protocol)
    entry = RequestEntry(0, connection.entry.connection, upstream.slots.now())
    return await http.send(upstream, request, upstream.default, entry, timeline)


async def reply_json(upstream: Upstream, request: web.BaseRequest, body: Any, status: int = 200, headers: Headers = ()) -> Sent:
    """Answer with a JSON document."""
    return await reply(upstream, request, json_timeline(body, status, headers))


def json_timeline(body: Any, status: int = 200, headers: Headers = ()) -> Timeline:
    data = json.dumps(body, ensure_ascii=False).encode("utf-8", "backslashreplace")
    return (Head(status, (("content-type", "application/json"), *headers), framing="length"), Message(data), End())
