"""Cross-origin resource sharing (Fetch standard §3.2): a page on any origin may ask and read."""

from __future__ import annotations

from collections.abc import Mapping

from mockserver.answers import Headers

EXPOSED = (
    "x-request-id, retry-after, retry-after-ms, x-should-retry, openai-processing-ms, x-ratelimit-limit-requests, "
    "x-ratelimit-limit-tokens, x-ratelimit-remaining-requests, x-ratelimit-remaining-tokens, x-ratelimit-reset-requests, "
    "x-ratelimit-reset-tokens, x-mock-unfired"
)


def cors_fields(headers: Mapping[str, str]) -> Headers:
    """The fields a response needs for the page that asked; none without an Origin."""
    origin = headers.get("Origin")
    if origin is None:
        return ()
    return (
        ("access-control-allow-origin", origin),
        ("access-control-allow-credentials", "true"),
        ("access-control-expose-headers", EXPOSED),
        ("vary", "Origin"),
    )


def preflight_fields(headers: Mapping[str, str]) -> Headers:
    """What the answer to a preflight has besides `cors_fields`: what was asked for is listed by name, for `*` does not cover
    Authorization. A page on the public network that asks for this machine is let through
    (https://wicg.github.io/private-network-access/)."""
    local = (("access-control-allow-private-network", "true"),) if "Access-Control-Request-Private-Network" in headers else ()
    return (
        ("access-control-allow-methods", "GET, POST, PUT, DELETE, OPTIONS"),
        ("access-control-allow-headers", headers.get("Access-Control-Request-Headers", "authorization, content-type")),
        ("access-control-max-age", "600"),
        *local,
    )
