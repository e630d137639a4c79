"""Who has what a server wants: a port, or a file that only one writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import psutil


@contextmanager
def writing(journal: str | None, reports: Iterable[Path]) -> Iterator[None]:
    """No other server writes these files meanwhile: in a journal nobody could tell whose a line is, and of two reports the later would
    replace the other. Raises ClickException where one does."""
    from mockserver.cli._load import unfinished

    with ExitStack() as held:
        if journal is not None:
            _hold(held, f"--journal {journal}", Path(journal))
        for report in {report.parent.resolve() / report.name: report for report in reports}.values():
            _hold(held, f"--report {report}", unfinished(report), unlink=True)
        yield


def _hold(held: ExitStack, told: str, path: Path, *, unlink: bool = False) -> None:
    from mockserver.sole_writer import sole_writer

    try:
        held.enter_context(sole_writer(path, unlink=unlink))
    except BlockingIOError:
        holder = of_file(path)
        raise click.ClickException(f"{told} is written by {holder or 'another process'}: wanted a file of this server's own") from None


def of_port(port: int) -> str | None:
    """The process that listens on a port, as far as this user may know."""
    import psutil

    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port and connection.pid:
            try:
                return _told(psutil.Process(connection.pid))
            except psutil.Error:
                return f"pid {connection.pid}"
    return None


def of_file(path: Path) -> str | None:
    """The process that has a file open, as far as this user may know: of several, the first."""
    import psutil

    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if any(_same(path, Path(file.path)) for file in process.open_files()):
                found.append((process.create_time(), process.pid, _told(process)))
    return min(found)[-1] if found else None


def _same(path: Path, other: Path) -> bool:
    with suppress(OSError):
        return path.samefile(other)
    return False


def _told(process: psutil.Process) -> str:
    return f"{process.name()} (pid {process.pid}: {' '.join(process.cmdline())[:120]})"
