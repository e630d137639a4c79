"""`streamproof serve` in a process of its own, as a user starts it."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO


@dataclass
class Served:
    """`base_url` is what the server printed first; `stderr` is known once it has ended."""

    base_url: str
    pid: int
    stderr: str = ""

    @property
    def origin(self) -> str:
        return self.base_url.removesuffix("/v1")


@contextmanager
def served(*streamproof: str, flags: Sequence[str] = (), cwd: Path | None = None) -> Iterator[Served]:
    """Serve on a free port until the block ends, then stop by SIGTERM, which must exit with 0. `streamproof` is the command."""
    with tempfile.TemporaryFile("w+") as stderr:
        command = [*streamproof, "serve", "--port", "0", *flags]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True, cwd=cwd)
        with process:
            try:
                assert process.stdout
                server = Served(process.stdout.readline().strip(), process.pid)
                assert server.base_url.startswith("http://"), f"no base URL, but {server.base_url!r}; {_all_of(stderr)}"
                yield server
            finally:
                process.terminate()
        server.stderr = _all_of(stderr)
        assert process.returncode == 0, server.stderr


def _all_of(file: IO[str]) -> str:
    file.seek(0)
    return file.read()
