"""Text of a client or a server as something that every format and every terminal takes."""

from __future__ import annotations

import re

UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Beyond what XML 1.0 §2.2 leaves out, the second control set: U+009B begins a command to a terminal."""


def printable(text: str) -> str:
    """Control characters but tab and line ends, halves of surrogate pairs and what is no character are U+FFFD."""
    return UNPRINTABLE.sub("\ufffd", text)
