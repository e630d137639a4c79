"""The same limit in Python: what `pacer.c` does, with the least that does it. Run as `python pacer.py PORT PIECES_FILE GAP_US`."""

from __future__ import annotations

import gc
import select
import socket
import sys
from heapq import heappop, heappush
from pathlib import Path
from time import monotonic


class Stream:
    """One answer under way: which piece is next, and when it began."""

    __slots__ = ("begun", "next", "send")

    def __init__(self, sock: socket.socket) -> None:
        self.send, self.next, self.begun = sock.send, 0, monotonic()


class Pacer:
    """All answers, by the millisecond in which their next piece is due."""

    def __init__(self, pieces: list[bytes], gap: float) -> None:
        self._pieces = pieces
        self._gap = gap
        self._due: dict[int, list[Stream]] = {}
        self._order: list[int] = []

    def begin(self, sock: socket.socket) -> None:
        self._say(Stream(sock), monotonic())

    def wait(self) -> float:
        """Seconds until a piece is due, -1 if none is."""
        return max(0.0, self._order[0] / 1000 - monotonic()) if self._order else -1

    def fire(self) -> None:
        now = monotonic()
        while self._order and self._order[0] <= now * 1000:
            for stream in self._due.pop(heappop(self._order)):
                self._say(stream, now)

    def _say(self, stream: Stream, now: float) -> None:
        """Send what is due, and what is late with it."""
        first, pieces = stream.next, self._pieces
        behind = min(len(pieces), max(first, int((now - stream.begun) / self._gap)) + 1)
        try:
            stream.send(pieces[first] if behind == first + 1 else b"".join(pieces[first:behind]))
        except OSError:
            return
        stream.next = behind
        if behind < len(pieces):
            self._at(int((stream.begun + behind * self._gap) * 1000) + 1, stream)

    def _at(self, slot: int, stream: Stream) -> None:
        streams = self._due.get(slot)
        if streams is not None:
            streams.append(stream)
            return
        self._due[slot] = [stream]
        heappush(self._order, slot)


def serve(listener: socket.socket, pacer: Pacer) -> None:
    """A request is whatever comes in one read."""
    poll, sockets = select.epoll(), dict[int, socket.socket]()
    poll.register(listener, select.EPOLLIN)
    while True:
        for number, _ in poll.poll(pacer.wait()):
            sock = sockets.get(number)
            if sock is None:
                sock, _ = listener.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sockets[sock.fileno()] = sock
                poll.register(sock, select.EPOLLIN)
            elif sock.recv(65536):
                pacer.begin(sock)
            else:
                sockets.pop(number).close()
        pacer.fire()


if __name__ == "__main__":
    port, file, gap_us = sys.argv[1:]
    pacer = Pacer(Path(file).read_bytes().split(b"\0")[:-1], float(gap_us) / 1e6)
    gc.freeze()
    gc.disable()
    serve(socket.create_server(("127.0.0.1", int(port)), backlog=4096), pacer)
