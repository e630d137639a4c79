"""The programs in C, compiled when they are wanted."""

from __future__ import annotations

import subprocess
from pathlib import Path

HERE = Path(__file__).parent
BUILD = HERE / "build"
SOURCES = {
    "loadgen": ("loadgen.c",),
    "loadgen-tls": ("loadgen.c", "-DTLS", "-lssl", "-lcrypto"),
    "control": ("control.c",),
    "pacer": ("pacer.c",),
}


def build(program: str) -> Path:
    """The program, compiled anew if it is older than its source or a header. Raises CalledProcessError where the compiler or a library
    is missing."""
    name, *options = SOURCES[program]
    source, binary = HERE / name, BUILD / program
    changed = max(each.stat().st_mtime for each in (source, *HERE.glob("*.h")))
    if not binary.exists() or binary.stat().st_mtime < changed:
        BUILD.mkdir(exist_ok=True)
        subprocess.run(["cc", "-O2", "-w", "-o", str(binary), str(source), *options], check=True)
    return binary
