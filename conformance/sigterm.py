"""SIGTERM, as a CI job that is cancelled sends it: what a run has started is ended first, as at Ctrl-C."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

ENDED = 128 + signal.SIGTERM
"""The exit code, as a shell has it."""


@contextmanager
def unwinds() -> Iterator[None]:
    """Within, SIGTERM raises SystemExit, which passes through whatever has something to end. Only for the main thread."""
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(ENDED))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
