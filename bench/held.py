"""Memory of what is open and idle: SSE streams that have stalled, WebSockets that have had their answer."""

from __future__ import annotations

from bench import servers
from bench.answers import SHORT
from bench.figures import say
from bench.load import holding, resident_kib


def held(count: int = 10_000) -> None:
    short = {"answer": {"content": ["a", "b"]}}
    for name, mode, path, turn in (
        ("stalled SSE streams", "hold", "/v1/chat/completions", {**short, "faults": [{"stall": {"at": "content:1"}}]}),
        ("answered WebSockets", "wshold", "/v1/ws/chat", short),
    ):
        with servers.ours(1) as server:
            base = f"/s/{servers.post(server.port, '/_mock/sessions', {'turns': [turn]})['key']}"
            before = resident_kib(server.pid)
            process, open_now, failed = holding(server, SHORT, count, mode, base + path)
            after = resident_kib(server.pid)
            process.kill()
            process.wait()
        each = (after - before) / max(open_now, 1)
        say(f"{open_now:,} {name}", f"{each:.1f} KiB each above a base of {before // 1024} MiB, {failed} failed")
