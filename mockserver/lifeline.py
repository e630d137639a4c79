"""What this process has started ends with it, however it ends: a shell watches over the process groups that are tied to it.

The shell reads a pipe that only this process writes to: whatever ends this one closes the pipe, and so ends the groups. It is there from
the first group on. Where no shell can be started, nothing watches; what ends in an orderly way needs nobody to.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import threading
from contextlib import suppress

# Whoever still ignores SIGTERM after a second meets SIGKILL. A group that is untied is nobody's: its number may soon be another's.
WATCH = """
groups=
while read -r sign group; do
    case $sign in
        +) groups="$groups $group" ;;
        -) left=
           for each in $groups; do [ "$each" = "$group" ] || left="$left $each"; done
           groups=$left ;;
    esac
done
[ "$groups" ] || exit 0
for each in $groups; do kill -s TERM -- "-$each"; done
sleep 1
for each in $groups; do kill -s KILL -- "-$each"; done
"""


class Lifeline:
    """From one process to the groups that are to end with it."""

    def __init__(self) -> None:
        self.groups: set[int] = set()
        self._watcher: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def tie(self, group: int) -> None:
        """Have a process group end with this process."""
        with self._lock:
            self.groups.add(group)
            self._tell(f"+ {group}\n")

    def untie(self, group: int) -> None:
        """It has ended."""
        with self._lock:
            if group in self.groups:
                self.groups.remove(group)
                self._tell(f"- {group}\n")

    def cut(self) -> None:
        """End the groups that are left, and the watcher."""
        with self._lock:
            self.groups.clear()
            if self._watcher is not None:
                self._watcher.communicate()
                self._watcher = None

    def _tell(self, line: str) -> None:
        """A watcher that is gone is replaced by one that knows all groups."""
        if self._watcher is not None and not _said(self._watcher, line):
            self._watcher.communicate()
            self._watcher = None
        if self._watcher is None:
            self._watcher = _started()
            if self._watcher is not None:
                _said(self._watcher, "".join(f"+ {group}\n" for group in self.groups))


def _started() -> subprocess.Popen[bytes] | None:
    """A watcher in a session of its own: what is sent to the group of this process does not reach it."""
    with suppress(OSError):
        return subprocess.Popen(
            ("/bin/sh", "-c", WATCH),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd="/",
            start_new_session=True,
        )
    return None


def _said(watcher: subprocess.Popen[bytes], line: str) -> bool:
    assert watcher.stdin is not None
    with suppress(BrokenPipeError):
        watcher.stdin.write(line.encode())
        return True
    return False


_own = Lifeline()


def tie(group: int) -> None:
    """Have a process group end with this process, however it ends."""
    _own.tie(group)


def untie(group: int) -> None:
    """A group has ended."""
    _own.untie(group)


def groups() -> frozenset[int]:
    """What is tied to this process."""
    return frozenset(_own.groups)


def _begin_alone() -> None:
    """Nothing is tied to a process that was forked."""
    global _own
    _own = Lifeline()


os.register_at_fork(after_in_child=_begin_alone)
atexit.register(lambda: _own.cut())
