"""Connections that may be used again."""

from __future__ import annotations

import threading
from contextlib import suppress

from conformance.reference.failure import Cancelled, Failure
from conformance.reference.http1 import Response
from conformance.reference.limits import Limits
from conformance.reference.websocket import WebSocket
from conformance.reference.wire import Place, Wire


class Pool:
    """The connections of a client, kept while nobody uses them."""

    DRAIN = 0.1
    """Seconds for the rest of a body that [DONE] has made irrelevant, so that the connection may be kept."""

    def __init__(self, wire: type[Wire]) -> None:
        self.wire = wire
        self.idle: list[tuple[object, Wire | WebSocket]] = []
        self.lock = threading.Lock()

    def borrow(self, place: Place, limits: Limits) -> Wire:
        """A connection nobody else uses: an idle one that is still good, or a new one."""
        while (idle := self.take_idle(place)) is not None:
            if isinstance(idle, Wire) and not self.stale(idle):
                idle.limits = limits
                return idle
            self.drop(idle)
        return self.wire(place, limits)

    def stale(self, wire: Wire) -> bool:
        """An idle connection on which anything has arrived was closed, or is out of step."""
        return wire.arrived()

    def take_idle(self, key: object) -> Wire | WebSocket | None:
        with self.lock:
            for index, (held, connection) in enumerate(self.idle):
                if held == key:
                    del self.idle[index]
                    return connection
        return None

    def give_back(self, key: object, connection: Wire | WebSocket) -> None:
        with self.lock:
            self.idle.append((key, connection))

    def drop(self, connection: Wire | WebSocket) -> None:
        if isinstance(connection, WebSocket):
            connection.leave()
        else:
            connection.close()

    def release(self, response: Response, over: bool) -> None:
        """Done with a response: keep its connection if it can be used again, else close it."""
        wire = response.wire
        if over and not response.whole:
            wire.limits = wire.limits.grace(self.DRAIN)
            with suppress(Failure, Cancelled):
                response.rest()
        if response.reusable():
            wire.answers += 1
            self.give_back(wire.place, wire)
        else:
            wire.close()

    def close(self) -> None:
        while self.idle:
            self.drop(self.idle.pop()[1])
