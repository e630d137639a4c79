"""How the server will answer what the client does meanwhile. A value, like the timeline; faults rewrite it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Idle:
    """Close a WebSocket after `seconds` without activity; 0 never does.

    `clock` says what counts as activity: any frame, or the client's frames only (then a long answer is cut off in
    mid-stream). `every`: the server looks only at these intervals since the connection was opened, as a reaper that sweeps
    does; 0 looks at once.
    """

    seconds: float = 120.0
    clock: Literal["any", "client"] = "any"
    code: int = 1000
    reason: str = "Timeout"
    every: float = 0.0


@dataclass(frozen=True, slots=True)
class Lag:
    """What happens to a reader that lags: `bytes` unsent for `seconds`."""

    act: Literal["wait", "close", "reset", "drop-oldest"] = "wait"
    bytes: int = 65536
    seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Reactions:
    """Every field's default is what a good server does.

    pong: the answer to a protocol ping (RFC 6455 §5.5.2); `late` waits `pong_delay` seconds, `wrong` changes the payload.
    json_pong: whether `{"type":"ping"}` is answered.
    pause: `honour`, `ignore`; after a resume: `lose` (never resumes), `repeat` (says the last message again), `drop`
    (loses what was due in the pause). acknowledge: send `paused` / `resumed`.
    close_reply: answer a close frame with one.
    overlap: a request that comes while another without `stream_id` is being answered waits (`queue`), is refused, or is answered
    in between.
    intake: bytes per second at which the request body is read; 0 reads as fast as it comes.
    early: answer before the request body was read.
    compress: permessage-deflate is accepted when offered.
    max_age: seconds a WebSocket may live; 0 has no limit. max_message: bytes of a client's message.
    oversize: what a larger message of the client's gets: the connection is closed with 1009, or reset.
    farewell: a WebSocket is closed with this code and reason as soon as it is open, which takes the turn.
    buffers: SO_SNDBUF of the connection, in bytes; 0 is the kernel's own.
    upgrade: fields of the 101 that opens a WebSocket, in place of its own; None leaves one out.
    """

    pong: Literal["ok", "never", "late", "wrong"] = "ok"
    pong_delay: float = 0.0
    json_pong: bool = True
    pause: Literal["honour", "ignore", "lose", "repeat", "drop"] = "honour"
    acknowledge: bool = False
    close_reply: bool = True
    overlap: Literal["queue", "reject", "interleave"] = "queue"
    idle: Idle = Idle()
    lag: Lag = Lag()
    intake: float = 0.0
    early: bool = False
    compress: bool = True
    max_age: float = 3600.0
    max_message: int = 10 * 1024 * 1024
    oversize: Literal["close", "reset"] = "close"
    farewell: tuple[int, str] | None = None
    buffers: int = 0
    upgrade: tuple[tuple[str, str | None], ...] = ()
