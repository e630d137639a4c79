"""What the adapters of loops over requests share: how they ask. What they read the answer with is their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import requests
from _adapter import Run, seconds

HELLO = {
    "transports": ["sse"],
    "controls": ["cancel_after_events", "stop", "idle_timeout_ms", "connect_timeout_ms", "read_delay_ms", "ca_file", "connection"],
    "retry": "none",
}


def client(run: Run) -> requests.Session:
    return requests.Session()


@contextmanager
def answered(session: requests.Session, run: Run) -> Iterator[requests.Response]:
    """The response to the run's request, while its body is read. Raises requests' error for an HTTP status that is one."""
    with session.post(
        run["base_url"] + "/chat/completions",
        headers={"Authorization": f"Bearer {run['api_key']}"},
        json=run["request"],
        stream=True,
        timeout=(seconds(run, "connect_timeout_ms"), seconds(run, "idle_timeout_ms")),
        verify=run.get("ca_file"),
    ) as response:
        response.raise_for_status()
        yield response
