"""A real Redis for tests, on a Unix socket of its own: it can be killed, started again, stopped and continued."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import redis

from tests.optional import need

START_SECONDS = 10.0


class RedisServer:
    """It keeps nothing on disk: one that is started again is empty, as one that was lost. `options` are redis-server's."""

    def __init__(self, folder: Path, command: str, options: Sequence[str] = ()) -> None:
        self.path = folder / "redis.sock"
        self._command = command
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.path}?db=0"

    def client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.path), decode_responses=True)

    def start(self) -> None:
        options = ("--port", "0", "--unixsocket", str(self.path), "--save", "", "--appendonly", "no", *self._options)
        self._process = subprocess.Popen([self._command, *options], stdout=subprocess.DEVNULL)
        over = time.monotonic() + START_SECONDS
        while True:
            try:
                with self.client() as client:
                    client.ping()
                return
            except redis.ConnectionError:
                assert time.monotonic() < over, "redis-server did not start"
                time.sleep(0.02)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """It keeps its connections, and answers nothing."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@contextmanager
def redis_server(*options: str) -> Iterator[RedisServer]:
    command = need("redis-server")
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        server = RedisServer(Path(folder), command, options)
        server.start()
        try:
            yield server
        finally:
            server.kill()
