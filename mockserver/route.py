"""From a request's path to what it asks for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from urllib.parse import unquote

Surface = Literal[
    "chat", "stored", "messages", "models", "model", "websocket", "health", "api-health", "seed-proxy", "control", "other-api", "unknown"
]

OTHER_APIS = frozenset({
    "responses", "embeddings", "completions", "images", "audio", "files", "fine_tuning", "moderations", "batches", "assistants",
    "threads", "vector_stores", "realtime", "uploads", "conversations", "messages", "containers", "evals", "videos",
})  # fmt: skip
WEBSOCKETS = frozenset({"v1/ws/chat", "v1/ws/stream", "ws/chat", "ws/stream"})


@dataclass(frozen=True, slots=True)
class Route:
    """`session` and `profile` are the names in `/s/…/` and `/p/…/`; `name` is a model, a completion, or a control path."""

    surface: Surface
    session: str | None = None
    profile: str | None = None
    name: str = ""


def route(path: str) -> Route:
    """Read a raw path, query included. The same surface stands below `/s/{session}`, `/p/{profile}` and at the root."""
    return _route(path.partition("?")[0])


@lru_cache(maxsize=1024)
def _route(path: str) -> Route:
    parts = [unquote(part) for part in path.split("/") if part]
    session = profile = None
    if len(parts) >= 2 and parts[0] == "s":
        session, parts = parts[1], parts[2:]
    elif len(parts) >= 2 and parts[0] == "p":
        profile, parts = parts[1], parts[2:]
    surface, name = _surface(parts)
    return Route(surface, session, profile, name)


def _surface(parts: list[str]) -> tuple[Surface, str]:
    whole = "/".join(parts)
    fixed: dict[str, Surface] = {"health": "health", "api/health": "api-health", "api/stream/sse": "seed-proxy"}
    if whole in fixed:
        return fixed[whole], ""
    if parts[:1] == ["_mock"]:
        return "control", "/".join(parts[1:])
    if whole in WEBSOCKETS:
        return "websocket", parts[-1]
    rest = _below_version(parts)
    if rest[:2] == ["chat", "completions"]:
        return _chat(rest[2:])
    if rest[:1] == ["models"]:
        return ("models", "") if len(rest) == 1 else ("model", "/".join(rest[1:]))
    if rest and rest[0] in OTHER_APIS:
        return "other-api", rest[0]
    return "unknown", whole


def _below_version(parts: list[str]) -> list[str]:
    """`v1/…`, Azure's `openai/deployments/{deployment}/…` and `openai/v1/…`, or the bare path."""
    if parts[:1] == ["openai"]:
        if parts[1:2] == ["deployments"]:
            return parts[3:]
        return parts[2:] if parts[1:2] == ["v1"] else parts[1:]
    return parts[1:] if parts[:1] == ["v1"] else parts


def _chat(rest: list[str]) -> tuple[Surface, str]:
    if not rest:
        return "chat", ""
    if len(rest) == 1:
        return "stored", rest[0]
    return ("messages", rest[0]) if rest[1:] == ["messages"] else ("unknown", "/".join(rest))


def deployment(path: str) -> str | None:
    """The Azure deployment a path names, which stands in for the model."""
    parts = path.partition("?")[0].split("/")
    return unquote(parts[parts.index("deployments") + 1]) if "deployments" in parts[:-1] else None
