"""One server in several processes: this one starts them, replaces those that die, and ends when all have ended.

It serves nothing itself. The listening sockets are its own, one set for each worker (SO_REUSEPORT, socket(7)): connections that came
for a worker that died wait in its socket for the one that replaces it.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import FrameType

from mockserver.stop_signals import stop_signals
from mockserver.transports.listener import bound_socket, bound_sockets

MAX_DEATHS = 5
DEATHS_SECONDS = 60.0
"""A worker that dies more often than `MAX_DEATHS` in so many seconds is not replaced: the server ends."""
STOP_SECONDS = 5.0
"""How long a worker may take to end before it is killed."""
READY = b"\n"
GIVEN_UP = 1

Sockets = Sequence[socket.socket]


@dataclass(frozen=True, slots=True)
class Post:
    """What a worker is given: its number, from 0, whether another one died in its place, the sockets it is to listen on, whom to tell
    that it does, and a descriptor that reads as ended when the supervisor is gone."""

    worker: int
    successor: bool
    sockets: Sockets
    lifeline: int
    _to_supervisor: int

    def ready(self) -> None:
        """It listens."""
        os.write(self._to_supervisor, READY)

    def leave(self, bequest: bytes) -> None:
        """Leave something to the supervisor, at the end."""
        with contextlib.suppress(BrokenPipeError):
            left = memoryview(bequest)
            while left:
                left = left[os.write(self._to_supervisor, left) :]


Work = Callable[[Post], int]
"""What a worker does in its process, to its end; the exit status."""


@dataclass(slots=True)
class Process:
    pid: int
    said: int
    ready: bool = False
    bequest: bytearray = field(default_factory=bytearray)


class Workers:
    """`work` is done once in each process. `tell` says to the user what happened."""

    def __init__(self, sockets: Sequence[Sockets], work: Work, tell: Callable[[str], None]) -> None:
        self._sockets = sockets
        self._work = work
        self._tell = tell
        self._processes: dict[int, Process] = {}
        self._deaths: dict[int, deque[float]] = {}
        self._lifeline = os.pipe()
        self._stopping: float | None = None
        self._stop_signals = stop_signals()
        self._status = 0
        self._signalled = False
        self.bequests: list[bytes] = []

    def run(self, ready: Callable[[], None]) -> int:
        """Serve until one of `stop_signals` comes; the exit status. `ready` is called when all listen for the first time."""
        with self._awake() as awake:
            for worker in range(len(self._sockets)):
                if self._stopping is None:
                    self._start(worker)
            told = False
            while self._processes:
                self._wait(awake)
                if self._signalled and self._stopping is None:
                    self._stop()
                self._bury(told)
                self._kill_late()
                if not told and self._stopping is None and all(process.ready for process in self._processes.values()):
                    told = True
                    ready()
        os.close(self._lifeline[1])
        return self._status

    @contextlib.contextmanager
    def _awake(self) -> Iterator[int]:
        """A descriptor that can be read when a signal has come."""
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        os.set_blocking(writing, False)
        before = {number: signal.signal(number, self._signal) for number in self._stop_signals}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        waker = signal.set_wakeup_fd(writing)
        try:
            yield reading
        finally:
            signal.set_wakeup_fd(waker)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(reading)
            os.close(writing)

    def _signal(self, number: int, frame: FrameType | None) -> None:
        self._signalled = True

    def _start(self, worker: int) -> None:
        """Start a worker, or end where the machine has no room for it."""
        try:
            self._fork(worker)
        except OSError as error:
            why = error.strerror or str(error)
            self._tell(f"worker {worker} of {len(self._sockets)} (--workers) cannot be started, so the server ends: {why}")
            self._give_up(GIVEN_UP)

    def _fork(self, worker: int) -> None:
        said, saying = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        with _held(self._stop_signals):
            # What would come before the new process has handlers of its own would be heard by nobody.
            try:
                pid = os.fork()
            except OSError:
                os.close(said)
                os.close(saying)
                raise
            if pid == 0:
                self._be(worker, Post(worker, worker in self._deaths, self._sockets[worker], self._lifeline[0], saying))
        os.close(saying)
        os.set_blocking(said, False)
        self._processes[worker] = Process(pid, said)

    def _be(self, worker: int, post: Post) -> None:
        """The life of a worker. It keeps nothing of the others', or a socket would stay open after them."""
        status = 70
        try:
            signal.set_wakeup_fd(-1)
            for number in (*self._stop_signals, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, self._stop_signals)
            os.close(self._lifeline[1])
            for other, sockets in enumerate(self._sockets):
                for sock in sockets if other != worker else ():
                    sock.close()
            for process in self._processes.values():
                os.close(process.said)
            status = self._work(post)
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _wait(self, awake: int) -> None:
        """Until a signal comes, or a worker says something."""
        timeout = None if self._stopping is None else max(0.0, self._stopping - time.monotonic()) * 1000
        said = {process.said: process for process in self._processes.values()}
        readers = select.poll()  # select(2) takes no descriptor from 1024 on
        for each in (awake, *said):
            readers.register(each, select.POLLIN)
        for readable, _ in readers.poll(timeout):
            if readable == awake:
                os.read(awake, 4096)
            else:
                self._hear(said[readable])

    def _hear(self, process: Process) -> bool:
        """Take in what a worker says; False at its end."""
        try:
            data = os.read(process.said, 65536)
        except BlockingIOError:
            return False
        if not process.ready and data:
            process.ready, data = True, data[len(READY) :]
            process.bequest += data
            return True
        process.bequest += data
        return bool(data)

    def _bury(self, told: bool) -> None:
        """Take note of the workers that have ended, and replace them."""
        for worker, process in tuple(self._processes.items()):
            pid, status = os.waitpid(process.pid, os.WNOHANG)
            if not pid:
                continue
            while self._hear(process):
                """What it left is read to its end."""
            os.close(process.said)
            self.bequests.append(bytes(process.bequest))
            del self._processes[worker]
            if self._stopping is None:
                self._replace(worker, process, os.waitstatus_to_exitcode(status), told)

    def _replace(self, worker: int, process: Process, status: int, told: bool) -> None:
        if not told:
            # It has said itself why it cannot begin.
            self._give_up(status if status > 0 else GIVEN_UP)
            return
        now = time.monotonic()
        deaths = self._deaths.setdefault(worker, deque(maxlen=MAX_DEATHS))
        how = f"worker {worker} (pid {process.pid}) {_how(status)}"
        if len(deaths) == MAX_DEATHS and now - deaths[0] < DEATHS_SECONDS:
            self._tell(f"{how}, as it did {MAX_DEATHS} times in {now - deaths[0]:.0f} s: the server ends")
            self._give_up(GIVEN_UP)
            return
        deaths.append(now)
        self._tell(f"{how}: another one takes its place")
        self._start(worker)

    def _give_up(self, status: int) -> None:
        self._status = status
        self._stop()

    def _stop(self) -> None:
        """Refuse new connections, and have the workers end."""
        self._stopping = time.monotonic() + STOP_SECONDS
        for sockets in self._sockets:
            for sock in sockets:
                sock.close()
        for process in self._processes.values():
            os.kill(process.pid, signal.SIGTERM)

    def _kill_late(self) -> None:
        if self._stopping is None or time.monotonic() < self._stopping:
            return
        self._stopping = time.monotonic() + STOP_SECONDS
        for worker, process in self._processes.items():
            self._tell(f"worker {worker} (pid {process.pid}) did not end within {STOP_SECONDS:g} s and is killed")
            self._status = GIVEN_UP
            os.kill(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def _held(signals: Iterable[signal.Signals]) -> Iterator[None]:
    """Let these signals wait."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _how(status: int) -> str:
    return f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"


def sockets_for(count: int, hosts: Iterable[str], port: int) -> list[list[socket.socket]]:
    """The bound sockets of each of so many workers, all on one port; see `bound_sockets`. Raises OSError, also where another server
    has the port, which SO_REUSEPORT alone would share with it."""
    guards = bound_sockets(hosts, port)
    addresses = [guard.getsockname()[:2] for guard in guards]
    for guard in guards:
        guard.close()
    workers: list[list[socket.socket]] = [[] for _ in range(count)]
    try:
        for sockets in workers:
            for host, found in addresses:
                sockets.append(bound_socket(host, found, shared=True))
    except OSError:
        for sockets in workers:
            for sock in sockets:
                sock.close()
        raise
    return workers
