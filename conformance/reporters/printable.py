"""Text of a client or a server as something that every format and every terminal takes."""

from __future__ import annotations


def printable(text: str) -> str:
    """Control characters but tab and line ends, and halves of surrogate pairs, are U+FFFD (as XML 1.0 §2.2 wants it)."""
    return "".join(char if char in "\t\n\r" or (ord(char) >= 0x20 and not 0xD800 <= ord(char) <= 0xDFFF) else "\ufffd" for char in text)
