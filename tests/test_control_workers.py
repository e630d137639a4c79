"""Every control call says the same to two workers that share a Redis as to one process, whichever worker it comes to."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mockserver.control import CALLS
from tests.redis_server import redis_server
from tests.test_workers import ASK, CLIENT, FIELDS, SOON, Together, serving, until

OWN = frozenset(
    {
        "key", "session", "connection", "request_id", "id", "peer", "port", "path", "headers", "bytes",
        "bytes_in", "bytes_out", "bytes_accepted", "events", "writes", "workers", "cpu", "loop", "timeline",
        "signs", "saturated", "seconds", "rates", "ttft", "gap", "completion", "lateness", "blocked", "age",
    }
)  # fmt: skip
"""What chance, time and the number of processes decide."""
TIMES = 6
"""So often each call that changes nothing is made, each time on a new connection: to both workers, as good as surely."""
KEY = re.compile("[0-9a-f]{16}")
SLOW = {"turns": [{"answer": {"content": "word " * 600}, "pace": {"tokens_per_second": 20}}], "after": "repeat"}


def plain(value: Any) -> Any:
    """What must be the same in all servers."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {name: None if name in OWN or name.endswith(("_at", "_url")) else plain(each) for name, each in value.items()}
    if isinstance(value, str):
        return KEY.sub("KEY", value)
    return "a number" if isinstance(value, float) else value


@dataclass
class Told:
    """What a server said, call by call. `asked` are the routes."""

    server: Together
    asked: set[tuple[str, tuple[str, ...]]] = field(default_factory=set)
    said: list[Any] = field(default_factory=list)

    def call(self, method: str, path: str, body: Any = None, *, times: int = 1) -> Any:
        """One call, or one that says the same each time."""
        bare = tuple(path.partition("?")[0].split("/"))
        self.asked |= {
            (verb, names)
            for verb, names in CALLS
            if verb == method and len(names) == len(bare) and all(name in ("*", part) for name, part in zip(names, bare, strict=True))
        }
        answers = [self.server.control(method, path, body) for _ in range(times)]
        told = [(answer.status_code, plain(answer.json()) if answer.content.startswith(b"{") else None) for answer in answers]
        for each in told:
            assert each == told[0], f"{method} {path}"
        self.said.append((method, KEY.sub("KEY", path), *told[0]))
        return answers[0].json() if answers[0].content.startswith(b"{") else answers[0].text

    def open(self, options: Any) -> str:
        key: str = self.call("POST", "sessions", options)["key"]
        return key

    def settled(self, key: str, requests: int) -> None:
        """All that was asked is in the journal, and over."""

        def over() -> bool:
            journal = self.server.control("GET", f"sessions/{key}/journal").json()
            entries, connections = journal["requests"], journal["connections"]
            done = all(entry["ended_at"] is not None for entry in entries) and all(each["closed_at"] is not None for each in connections)
            return len(entries) == requests and done

        until(over)


@contextmanager
def recording(upstream: str, file: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "mockserver", "record", "--upstream", upstream, "-o", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().strip()
        process.terminate()
    assert process.returncode == 0


def streamed(base_url: str) -> bytes:
    return CLIENT.post(f"{base_url}/chat/completions", json={**ASK, "stream": True}, headers=FIELDS).content


def converse(server: Together, folder: Path) -> Told:
    """All that can be asked."""
    told = Told(server)
    for path in ("ready", "profiles/bad-gateways", "profiles/bad-gatewys", "sessions", "sessions/none", "nothing"):
        told.call("GET", path, times=TIMES)
    assert len(told.call("GET", "profiles", times=TIMES)["profiles"]) > 100

    told.call("PUT", "default", {"profile": "bad-gateways", "limits": {"rpm": 9}})
    told.said.append([server.ask().status_code for _ in range(4)])
    told.settled("default", 4)
    for path in ("sessions/default", "sessions", "sessions/default/journal"):
        told.call("GET", path, times=TIMES)
    told.call("PUT", "default", {"profil": "bad-gateways"}, times=TIMES)
    told.call("PUT", "default", {"own_port": True}, times=TIMES)
    told.call("DELETE", "sessions/default", times=TIMES)
    told.call("POST", "default", {}, times=TIMES)

    key = told.open({"turns": [{"faults": [{"http-error": 503}]}, {"answer": {"content": ["a", "b"]}}], "seed": 4, "limits": {"rpm": 3}})
    told.said.append([server.ask(f"/s/{key}/v1").status_code for _ in range(4)])
    told.settled(key, 4)
    told.call("GET", f"sessions/{key}/idle?timeout={SOON}", times=TIMES)
    told.call("GET", f"sessions/{key}/idle?timeout=soon", times=TIMES)
    for path in (f"sessions/{key}", f"sessions/{key}/journal"):
        told.call("GET", path, times=TIMES)

    slow = told.open(SLOW)
    readers = [threading.Thread(target=_cut, args=(f"{server.origin}/s/{slow}/v1",)) for _ in range(6)]
    for reader in readers:
        reader.start()
    until(lambda: [entry["bytes"] > 0 for entry in server.control("GET", f"sessions/{slow}/journal").json()["requests"]] == [True] * 6)
    told.call("GET", f"sessions/{slow}/idle?timeout=0", times=TIMES)
    told.call("POST", f"sessions/{slow}/break", {"how": "rest"}, times=TIMES)
    told.call("POST", f"sessions/{slow}/break", {"how": "hang-up"})
    for reader in readers:
        reader.join()
    told.call("GET", f"sessions/{slow}/idle?timeout={SOON}", times=TIMES)

    told.settled(slow, 6)
    until(lambda: server.control("GET", "load").json()["running"] == 0)
    told.call("GET", "load", times=TIMES)
    told.call("DELETE", "load")
    told.call("GET", "load", times=TIMES)
    metrics = told.call("GET", "metrics")
    told.said.append({line.split()[2] for line in metrics.splitlines() if line.startswith("# TYPE")})

    told.call("DELETE", f"sessions/{slow}")
    told.call("DELETE", f"sessions/{slow}", times=TIMES)
    told.call("GET", f"sessions/{slow}/journal", times=TIMES)
    told.call("POST", "reset")
    told.call("POST", "reset")
    told.call("GET", "sessions", times=TIMES)
    told.said.append([server.ask().status_code for _ in range(4)])

    _replayed(told, folder)
    return told


def _cut(base_url: str) -> None:
    with pytest.raises(Exception, match="incomplete chunked read"):
        streamed(base_url)


def _replayed(told: Told, folder: Path) -> None:
    """What was recorded from all workers is said again by all."""
    file = folder / f"{told.server.port}.ndjson"
    said = told.open({"turns": [{"answer": {"content": [f"turn {number}", ", ", "said"]}} for number in range(TIMES)], "seed": 1})
    with recording(f"{told.server.origin}/s/{said}/v1", file) as base_url:
        heard = [streamed(base_url) for _ in range(TIMES)]
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    assert len(lines) == TIMES
    for number, line in enumerate(lines):
        (folder / f"{told.server.port}-{number}.ndjson").write_text(line, encoding="utf-8")
    turns = [{"answer": {"replay": str(folder / f"{told.server.port}-{number}.ndjson")}} for number in range(TIMES)]
    again = told.open({"turns": turns, "after": "fail"})
    assert [streamed(f"{told.server.origin}/s/{again}/v1") for _ in range(TIMES)] == heard
    told.said.append([re.findall(rb'"content":"([^"]*)"', each) for each in heard])


ODD = {
    '{"ttl": 1e400}': "ttl: wanted seconds (> 0, at most 31,536,000 for a year), got inf",
    '{"ttl": 1e300}': "ttl: wanted seconds (> 0, at most 31,536,000 for a year), got 1e+300",
    '{"pace": {"ttft": 1e400}}': "pace: 'ttft' is inf: wanted a number ≥ 0",
    '{"pace": {"tokens_per_second": NaN}}': "pace: 'tokens_per_second' is nan: wanted a number ≥ 0",
    '{"limits": {"rpm": "many"}}': "limits: rpm: wanted a number > 0, got 'many'",
    '{"network": []}': "network: wanted a list of toxics such as `- latency: {latency: 300, jitter: 50}`, got an empty list",
    '{"network": [{"latency": {"latency": -1}}]}': "network: 0.latency.latency: -1: expected `int` >= 0",
}


@pytest.mark.parametrize("workers", [(), ("--workers", "2")])
def test_what_no_session_can_be_is_told_with_its_place(workers: tuple[str, ...]) -> None:
    with redis_server() as redis, serving(*workers, "--store", redis.url) as server:
        for body, told in ODD.items():
            refused = CLIENT.post(f"{server.origin}/_mock/sessions", content=body)
            assert (refused.status_code, refused.json()["error"]["message"]) == (400, told)


def test_one_and_two_say_the_same(tmp_path: Path) -> None:
    with serving("--report", str(tmp_path / "one.json")) as one:
        alone = converse(one, tmp_path)
    with redis_server() as redis, serving("--workers", "2", "--store", redis.url, "--report", str(tmp_path / "two.json")) as two:
        assert two.workers_met() == {0, 1}
        together = converse(two, tmp_path)
    assert alone.asked == together.asked == set(CALLS)
    for said, again in zip(alone.said, together.said, strict=True):
        assert again == said
    reports = [json.loads((tmp_path / name).read_text(encoding="utf-8")) for name in ("one.json", "two.json")]
    assert plain(reports[0]) == plain(reports[1])
