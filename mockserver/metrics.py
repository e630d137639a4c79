"""What the server counts, as Prometheus reads it. Everything is taken from the server's state when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from mockserver.upstream import Figures

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(processes: Sequence[Figures]) -> bytes:
    """The text format of Prometheus. Where a server has several processes, each has its own series, by the label `worker`: a counter
    of one that began anew is then seen to begin anew."""
    registry = CollectorRegistry()
    registry.register(_Counts(processes))
    return generate_latest(registry)


class _Counts(Collector):
    """No label holds a key, or anything else that a client may choose freely."""

    def __init__(self, processes: Sequence[Figures]) -> None:
        self._processes = processes

    def collect(self) -> Iterator[Metric]:
        several = any(each.worker is not None for each in self._processes)
        worker = ("worker",) if several else ()
        requests = CounterMetricFamily(
            "streamproof_requests", "Requests that are over.", labels=("dialect", "status", "ended_by", "ended_how", *worker)
        )
        size = CounterMetricFamily("streamproof_sent_bytes", "Bytes of answers.", labels=("dialect", *worker))
        faults = CounterMetricFamily(
            "streamproof_faults", "Faults that were drawn, by whether they could act.", labels=("fault", "fired", *worker)
        )
        connections = CounterMetricFamily("streamproof_connections", "Connections that were accepted.", labels=worker)
        running = GaugeMetricFamily("streamproof_running_streams", "Answers under way over HTTP.", labels=worker)
        websockets = GaugeMetricFamily("streamproof_open_websockets", "Open WebSockets.", labels=worker)
        sessions = GaugeMetricFamily("streamproof_sessions", "Sessions that are known, the default one included.", labels=worker)
        for each in self._processes:
            own = (str(each.worker),) if several else ()
            sent: dict[str, int] = {}
            for dialect, status, by, how, count, total in each.tally:
                requests.add_metric((dialect, status, by, how, *own), count)
                sent[dialect] = sent.get(dialect, 0) + total
            for dialect, total in sent.items():
                size.add_metric((dialect, *own), total)
            for name, fired, count in each.faults:
                faults.add_metric((name, str(fired).lower(), *own), count)
            connections.add_metric(own, each.connections)
            running.add_metric(own, each.running)
            websockets.add_metric(own, each.websockets)
            sessions.add_metric(own, each.sessions)
        yield from (requests, size, faults, connections, running, websockets, sessions)
