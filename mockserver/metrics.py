"""What the server counts, as Prometheus reads it. Everything is taken from the server's state when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from mockserver.upstream import Upstream

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(upstream: Upstream) -> bytes:
    """The text format of Prometheus."""
    registry = CollectorRegistry()
    registry.register(_Counts(upstream))
    return generate_latest(registry)


class _Counts(Collector):
    """No label holds a key, or anything else that a client may choose freely."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    def collect(self) -> Iterator[Metric]:
        upstream = self._upstream
        requests = CounterMetricFamily(
            "streamproof_requests", "Requests that are over.", labels=("dialect", "status", "ended_by", "ended_how")
        )
        size = CounterMetricFamily("streamproof_sent_bytes", "Bytes of answers.", labels=("dialect",))
        sent: dict[str, int] = {}
        for (dialect, status, by, how), (count, total) in upstream.tally.items():
            requests.add_metric((dialect, status, by, how), count)
            sent[dialect] = sent.get(dialect, 0) + total
        for dialect, total in sent.items():
            size.add_metric((dialect,), total)
        faults = CounterMetricFamily("streamproof_faults", "Faults that were drawn, by whether they could act.", labels=("fault", "fired"))
        for (name, fired), count in upstream.faults.items():
            faults.add_metric((name, str(fired).lower()), count)
        yield requests
        yield size
        yield faults
        yield CounterMetricFamily("streamproof_connections", "Connections that were accepted.", value=upstream.connections)
        yield GaugeMetricFamily("streamproof_running_streams", "Answers under way over HTTP.", value=len(upstream.running))
        yield GaugeMetricFamily("streamproof_open_websockets", "Open WebSockets.", value=upstream.websockets)
        yield GaugeMetricFamily("streamproof_sessions", "Sessions, the default one included.", value=len(upstream.sessions()))
