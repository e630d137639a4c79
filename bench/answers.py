"""Whole answers as fast as they come, over kept connections. Rates are per CPU second of the server's processes, which neighbours on
a shared machine disturb less than wall time; servers take turns in each round, and only ratios of one round are compared."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from bench import servers
from bench.figures import Row, median, ratio, say
from bench.load import load
from bench.servers import Server

SHORT = json.dumps({"model": "gpt-4.1", "stream": True, "messages": [{"role": "user", "content": "Say something."}]}).encode()
NUMBER = "00000000"
"""Stands in a request where the load generator writes its number, so that no cache of whole requests helps."""


def numbered_request(size: int) -> bytes:
    """A conversation with tools of about `size` bytes, or a bare question, that holds `NUMBER`."""
    body: dict[str, Any] = {"model": "gpt-4.1", "stream": True, "messages": []}
    question = {"role": "user", "content": f"Say something about {NUMBER}."}
    if size >= 8000:
        fields = {f"field_{n}": {"type": "string", "description": "A field of the record. " * 2} for n in range(8)}
        tool = {"description": "Does a thing.", "parameters": {"type": "object", "properties": fields}}
        body["tools"] = [{"type": "function", "function": {"name": f"tool_{n}", **tool}} for n in range(5)]
    messages = body["messages"]
    while len(json.dumps(body)) < size - 400:
        messages.append({"role": ("user", "assistant")[len(messages) % 2], "content": "Words of an earlier turn. " * 14})
    messages.append(question)
    return json.dumps(body).encode()


@dataclass(frozen=True)
class Contender:
    """A server that is asked `requests` times with `body`; `options` are the load generator's, `figure` is the one compared."""

    open: Callable[[], AbstractContextManager[Server]]
    requests: int
    body: bytes = SHORT
    options: tuple[str, ...] = ()
    figure: str = "rps_per_cpu"


def compare(rounds: int, *contenders: Contender) -> list[Row]:
    """Each round's figure of each server. Raises RuntimeError where an answer was not right."""
    with ExitStack() as stack:
        opened = [(stack.enter_context(contender.open()), contender) for contender in contenders]
        return [{server.name: _figure(server, contender) for server, contender in opened} for _ in range(rounds)]


def _figure(server: Server, contender: Contender) -> float:
    figures = load(server, contender.body, "-r", str(contender.requests), *contender.options)
    if figures["fail"]:
        raise RuntimeError(f"{server.name}: {figures['fail']} of {contender.requests} answers were not right: {figures}")
    return float(figures[contender.figure])


def tell(what: str, rows: list[Row], unit: str = "answers") -> None:
    """The first server against each of the others."""
    one, *others = rows[0]
    each = ", ".join(f"{name} {median(rows, name):,.0f}" for name in rows[0])
    say(what, f"{', '.join(ratio(rows, one, other) for other in others)}; {unit} per CPU second: {each}")


def unpaced(rounds: int, chunks: int, requests: int) -> None:
    """Against the rival, and a C program that only writes the same bytes."""
    options = ("-c", "32" if chunks < 200 else "16", "-e", str(chunks + 3))
    with servers.ours(chunks) as server:
        response = servers.captured(server, SHORT)
    rows = compare(
        rounds,
        Contender(lambda: servers.ours(chunks), requests, options=options),
        Contender(lambda: servers.rival(chunks), requests, options=options),
        Contender(lambda: servers.control(response), requests * 8, options=options),
    )
    tell(f"{chunks:,} chunks, unpaced", rows)


def requests_of(rounds: int, size: int, requests: int) -> None:
    """Requests that are large: the same one again and again, which a cache of requests helps, and no two alike, which it does not."""
    for alike, options in (("all the same", ()), ("no two alike", ("-n", NUMBER))):
        own = Contender(lambda: servers.ours(64), requests, numbered_request(size), ("-c", "32", "-e", "67", *options))
        name = f"{size // 1000} KB" if size >= 1000 else f"{len(own.body)} bytes"
        tell(f"64 chunks, requests of {name}, {alike}", compare(rounds, own, replace(own, open=lambda: servers.rival(64))))


def websocket(rounds: int, chunks: int, requests: int) -> None:
    """Frames of whole answers. The rival speaks no chat completions there; its nearest is /v1/responses, whose text comes in as many
    pieces, in a few more frames."""
    message = [{"role": "user", "content": "Say something."}]
    typed = {"type": "chat.completion", "model": "gpt-4.1", "messages": message}
    response = {"type": "response.create", "model": "gpt-4.1", "input": message}
    options = ("-m", "ws", "-c", "32" if chunks < 200 else "16", "-d")
    rows = compare(
        rounds,
        Contender(
            lambda: servers.ours(chunks, path="/ws/chat?dialect=ws-typed"),
            requests,
            json.dumps(typed).encode(),
            (*options, '"type":"done"'),
            "fps_per_cpu",
        ),
        Contender(
            lambda: servers.rival(chunks, path="/v1/responses"),
            requests // 4,
            json.dumps(response).encode(),
            (*options, '"type":"response.completed"'),
            "fps_per_cpu",
        ),
    )
    tell(f"WebSocket, {chunks:,} chunks, unpaced", rows, "frames")


def workers(rounds: int) -> None:
    """One process, two that share nothing, two that share a Redis, whose processor time counts too."""
    one = Contender(partial(servers.together, 64, 1, "memory", "1 process"), 6000, options=("-c", "32", "-e", "67"))
    with servers.redis() as (url, redis):
        for store, name, others in (("memory", "2 workers, nothing shared", ()), (url, "2 workers and Redis", (redis,))):
            rows = compare(rounds, replace(one, open=partial(servers.together, 64, 2, store, name, *others)), one)
            tell(f"64 chunks, {name}", rows)


def with_and_without(rounds: int, what: str, *flags: str) -> None:
    """What a flag of `serve` costs."""
    plain = Contender(lambda: servers.ours(64), 6000, options=("-c", "32", "-e", "67"))
    name = f"with {what}"
    tell(f"64 chunks, {name}", compare(rounds, replace(plain, open=lambda: servers.ours(64, 0.0, *flags, name=name)), plain))


def file_flag(rounds: int, what: str, flag: str, suffix: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with_and_without(rounds, what, flag, f"{folder}/file{suffix}")
