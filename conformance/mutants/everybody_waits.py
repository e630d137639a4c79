"""While one run waits to try again nothing that came is handed on to any other, as when an event loop is put to sleep."""

from __future__ import annotations

import threading

from conformance.reference.client import Parts
from conformance.reference.limits import Limits
from conformance.reference.wire import Wire

LOOP = threading.Lock()


class Asleep(Limits):
    def sleep(self, seconds: float) -> None:
        with LOOP:
            super().sleep(seconds)


class Mutant(Wire):
    def receive(self) -> bytes:
        data = super().receive()
        with LOOP:
            return data


PARTS = Parts(limits=Asleep, wire=Mutant)
