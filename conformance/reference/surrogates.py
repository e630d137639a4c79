"""Characters that JSON writes as two escapes, and that a delta may cut between the two."""

from __future__ import annotations


def mended(text: str) -> str:
    """Surrogate pairs joined; half of one is U+FFFD."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def characters(text: str) -> tuple[str, str]:
    """Text in whole characters, and the first half of a surrogate pair that an escape at its end may have left."""
    carry = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
    return mended(text.removesuffix(carry)), carry
