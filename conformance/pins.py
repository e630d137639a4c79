"""A pinned package, as its registry writes it: openai==3.54.0, openai@6.49.0, com.openai:openai-java:4.0.0."""

from __future__ import annotations

import re

ONE = re.compile(r"v?\d([A-Za-z0-9.+_-]*[A-Za-z0-9])?")
WHOLE = re.compile(r"v?\d+\.\d+\.\d+([+-][A-Za-z0-9.+-]*[A-Za-z0-9])?")

PIN = re.compile(r"(?P<package>.+?)(?P<sign>==|@(?!.*/)|:(?!.*:))(?P<version>.+)")


def parted(pin: str) -> tuple[str, str, str]:
    """A pinned package as its name, the sign between, and its version. Raises ValueError."""
    found = PIN.fullmatch(pin)
    if found is None:
        raise ValueError(f"'{pin}' is not pinned: wanted a name and a version, such as openai==3.54.0 or openai@6.49.0")
    return found["package"], found["sign"], found["version"]


def exact(sign: str, version: str) -> bool:
    """Does this name one version, today and later? Where the sign is @, one with parts missing is the latest that begins so."""
    return (WHOLE if sign == "@" else ONE).fullmatch(version) is not None
