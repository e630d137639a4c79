"""One run as the caller orders it: on a line of standard input, or in the environment."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Run:
    """One `run` line. Times are seconds; what the line leaves out has this client's default."""

    id: str
    transport: str
    urls: tuple[str, ...]
    keys: tuple[str, ...]
    request: Mapping[str, Any]
    dialect: str
    label: str | None
    headers: Mapping[str, str]
    ca_file: str | None
    max_retries: int
    cancel_after_events: float
    stop: str
    pause: float
    pause_after_events: float
    paused: float
    cancel: float
    total: float
    connect: float
    idle: float

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> Run:
        def seconds(name: str, default: float) -> float:
            value = line.get(name)
            return default if value is None else value / 1000

        sse = line["transport"] == "sse"
        wanted = [line["base_url"] if sse else line["ws_url"], *(line.get("fallback_urls") or ())]
        return cls(
            id=line["run"],
            transport=line["transport"],
            urls=tuple(url.rstrip("/") + "/chat/completions" for url in wanted) if sse else tuple(wanted),
            keys=(line["api_key"], *(line.get("next_api_keys") or ())),
            request={"stream": True, **line["request"]},
            dialect="sse" if sse else line["dialect"],
            label=line.get("connection"),
            headers=line.get("headers") or {},
            ca_file=line.get("ca_file"),
            max_retries=2 if line.get("max_retries") is None else line["max_retries"],
            cancel_after_events=line.get("cancel_after_events") or math.inf,
            stop=line.get("stop") or "cancel",
            pause=seconds("read_delay_ms", 0),
            pause_after_events=line.get("pause_after_events") or math.inf,
            paused=seconds("pause_ms", 0),
            cancel=seconds("cancel_after_ms", math.inf),
            total=seconds("total_timeout_ms", math.inf),
            connect=seconds("connect_timeout_ms", 10),
            idle=seconds("idle_timeout_ms", 60),
        )


def run_of(environment: Mapping[str, str]) -> dict[str, Any]:
    """A run told in the environment: STREAMPROOF_RUN, STREAMPROOF_BASE_URL, …; numbers, lists and the request are JSON."""
    words = {"run", "transport", "base_url", "ws_url", "dialect", "api_key", "stop", "ca_file", "connection"}
    told = {name.removeprefix("STREAMPROOF_").lower(): value for name, value in environment.items() if name.startswith("STREAMPROOF_")}
    told.pop("hello", None)
    return {"type": "run", **{name: value if name in words else json_or_text(value) for name, value in told.items()}}


def json_or_text(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value
