"""What `serve --report` says when the server ends: the load it saw, in the form that a file's suffix names."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mockserver.load import Load

Report = Mapping[str, Any]


def destination(text: str) -> Path:
    """A file that a report can be written to. Raises ValueError, so that nobody learns of it after hours of load."""
    path = Path(text)
    if path.suffix not in FORMS:
        raise ValueError(f"'{text}': wanted a file that ends in {', '.join(FORMS)}")
    if reason := _obstacle(path):
        raise ValueError(f"'{text}' cannot be written: {reason}")
    return path


def _obstacle(path: Path) -> str | None:
    """Why a file cannot be put there."""
    try:
        if path.is_dir():
            return "it is a folder"
        if path.exists() and not path.is_file():
            return "it is there, and no file"
        unfinished(path).exists()
    except OSError as error:
        return error.strerror or str(error)
    return None if path.parent.is_dir() and os.access(path.parent, os.W_OK) else f"no folder {path.parent} to write to"


def tell(load: Load, files: Iterable[Path]) -> None:
    """Write the reports, each whole or not at all; on a terminal, show it too. Raises ClickException for those that cannot be."""
    from mockserver import writing
    from mockserver.load_report import to_json

    report = to_json(load)
    failed = writing.each((path, lambda path: _replace(path, FORMS[path.suffix](report))) for path in files)
    if sys.stdout is not None and sys.stdout.isatty():
        from mockserver.cli import _load_text

        _load_text.show(report)
    if failed:
        raise click.ClickException("\n".join(f"the report {line}" for line in failed))


def _replace(path: Path, text: str) -> None:
    written = unfinished(path)
    try:
        written.write_text(text, encoding="utf-8", errors="backslashreplace")
        written.replace(path)
    except OSError:
        with suppress(OSError):
            written.unlink(missing_ok=True)
        raise


def unfinished(path: Path) -> Path:
    """Where a report is written before it takes its place; who will write it holds that file from the start."""
    return path.with_name(f".{path.name}.unfinished")


def _json(report: Report) -> str:
    import json

    return json.dumps(report, ensure_ascii=False, indent=1) + "\n"


def _html(report: Report) -> str:
    from conformance.reporters import load_html

    return load_html.render(report)


def _text(report: Report) -> str:
    from mockserver.cli import _load_text

    return _load_text.render(report)


FORMS: dict[str, Callable[[Report], str]] = {".json": _json, ".html": _html, ".txt": _text}
