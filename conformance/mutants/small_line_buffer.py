"""A line of more than 64 KB is an error."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.event_stream import EventStream


class Mutant(EventStream):
    MOST = 65536


PARTS = Parts(events=Mutant)
