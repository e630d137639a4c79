"""The adapter protocol: lines on standard input and output."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.reference.answer import Answer, Piece
from conformance.reference.chat_completions import Client
from conformance.reference.failure import Cancelled, Failure
from conformance.reference.limits import Limits
from conformance.reference.run import Run, run_of
from conformance.reference.surrogates import mended

if TYPE_CHECKING:
    from conformance.reference.client import Parts


class Adapter:
    """The adapter protocol, version 1: a line in, lines out."""

    HELLO: Mapping[str, Any] = {
        "type": "hello",
        "protocol": 1,
        "name": "reference-python",
        "version": "1.0.0",
        "language": "python",
        "transports": ["sse", "ws"],
        "controls": [
            "cancel_after_events", "cancel_after_ms", "stop", "idle_timeout_ms", "connect_timeout_ms", "total_timeout_ms",
            "max_retries", "read_delay_ms", "hold_ms", "pause_after_events", "pause_ms",
            "ca_file", "connection", "next_api_keys", "fallback_urls",
        ],
        "capabilities": ["refresh-key", "fail-over", "reuse-connection", "own-errors", "pause"],
        "retry": "before-first-byte",
        "concurrency": 16,
    }  # fmt: skip

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.clients: dict[str, Client] = {}
        self.lock = threading.Lock()

    def serve(self, lines: Iterable[bytes], environment: Mapping[str, str]) -> None:
        """Obey lines until `bye` or their end, which ends no run in flight."""
        runs: list[threading.Thread] = []
        if environment.get("STREAMPROOF_HELLO"):
            self.say(self.HELLO)
        for line in lines:
            order = self.order(line)
            if order.get("type") == "hello":
                self.say(self.HELLO)
            elif order.get("type") == "run":
                runs.append(self.start(order))
            elif order.get("type") == "bye":
                break
        if not runs and environment.get("STREAMPROOF_RUN"):
            runs.append(self.start(run_of(environment)))
        for thread in runs:
            thread.join()
        for client in self.clients.values():
            client.pool.close()

    def order(self, line: bytes) -> dict[str, Any]:
        try:
            order = json.loads(line)
        except ValueError as error:
            order = None
            if line.strip():
                sys.stderr.write(f"not a line of the adapter protocol: {error}\n")
        return order if isinstance(order, dict) else {}

    def start(self, order: Mapping[str, Any]) -> threading.Thread:
        thread = threading.Thread(target=self.run, args=(order,))
        thread.start()
        return thread

    def say(self, line: Mapping[str, Any]) -> None:
        """One line, whole."""
        data = json.dumps(line) + "\n"
        with self.lock:
            sys.stdout.write(data)
            sys.stdout.flush()

    def run(self, order: Mapping[str, Any]) -> None:
        """One run, and exactly one result."""
        result: Piece = {"outcome": "ok"}
        raised: Exception | None = None
        answer = self.parts.answer({}, "sse")
        try:
            run = Run.of(order)
            answer = self.parts.answer(run.request, run.dialect)
            with self.client(run) as client:
                self.consume(client, run, answer)
        except Cancelled:
            result = {"outcome": "cancelled"}
        except Failure as failure:
            result, raised = {"outcome": "error", "kind": failure.kind, "status": failure.status, "message": failure.message}, failure
        except Exception as error:  # the caller is owed a result whatever happens
            result, raised = {"outcome": "error", "kind": "other", "message": f"{type(error).__name__}: {error}"}, error
        if result.get("message"):
            result["message"] = self.redact(result["message"], [order.get("api_key", ""), *(order.get("next_api_keys") or ())])
        if raised is not None:
            result["own_error"] = isinstance(raised, Failure)
        self.say({"type": "result", "run": order.get("run"), **result, **answer.result()})
        if raised is not None:
            time.sleep((order.get("hold_ms") or 0) / 1000)  # the caller still has the error, and whatever it refers to

    def consume(self, client: Client, run: Run, answer: Answer) -> None:
        """The caller: takes each piece, pauses as it is told, and stops the way it is told."""
        limits = self.parts.limits(run.cancel, run.total, run.connect, run.idle)
        handed = 0
        with closing(client.stream(run, answer, limits)) as pieces:
            for piece in pieces:
                self.hand(run, piece)
                if piece["type"] in ("delta", "tool_call"):
                    handed += 1
                    if handed >= run.cancel_after_events:
                        if run.stop == "raise":
                            raise Cancelled
                        if run.stop == "cancel":
                            pieces.close()
                        break
                    if handed == run.pause_after_events:
                        self.pause(run, answer, limits)
                    limits.sleep(run.pause)
            else:
                return
        raise Cancelled

    def pause(self, run: Run, answer: Answer, limits: Limits) -> None:
        """The caller is busy for a while. Over a WebSocket the server is asked to wait; over HTTP not reading has to do."""
        answer.tell("pause")
        limits.sleep(run.paused)
        limits.heard()
        answer.tell("resume")

    def hand(self, run: Run, piece: Piece) -> None:
        if piece.get("reason"):
            piece = {**piece, "reason": self.redact(piece["reason"], run.keys)}
        self.say({**piece, "run": run.id})

    def redact(self, message: str, keys: Iterable[str]) -> str:
        """A server may quote the key it was sent; an error text goes to logs, and keys do not."""
        for key in filter(None, keys):
            message = message.replace(key, "[key]")
        return mended(message)

    def client(self, run: Run) -> Lent:
        """The client object of the run's label, or a fresh one that is closed with the run."""
        if run.label is None:
            return Lent(self.parts.client(self.parts), True)
        with self.lock:
            return Lent(self.clients.setdefault(run.label, self.parts.client(self.parts)), False)


@dataclass(frozen=True)
class Lent:
    """A client for one run."""

    client: Client
    alone: bool

    def __enter__(self) -> Client:
        return self.client

    def __exit__(self, *_: object) -> None:
        if self.alone:
            self.client.pool.close()
