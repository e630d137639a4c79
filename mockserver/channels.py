"""The names of the dialects, and the groups of them in which a fault can have a meaning."""

from __future__ import annotations

from typing import Literal

DialectName = Literal["sse", "ws-chunk", "ws-typed", "ws-sse-text", "json"]

SSE: frozenset[DialectName] = frozenset({"sse"})
HTTP: frozenset[DialectName] = frozenset({"sse", "json"})
WEBSOCKET: frozenset[DialectName] = frozenset({"ws-chunk", "ws-typed", "ws-sse-text"})
EVENT_STREAM: frozenset[DialectName] = frozenset({"sse", "ws-sse-text"})
"""The dialects whose payload is text/event-stream."""
STREAMED: frozenset[DialectName] = SSE | WEBSOCKET
CHUNKS: frozenset[DialectName] = frozenset({"sse", "ws-sse-text", "ws-chunk"})
"""The dialects that carry chat.completion.chunk objects."""
EVERY: frozenset[DialectName] = HTTP | WEBSOCKET
