"""The header fields by which a server says when to come back."""

from __future__ import annotations

import math
from email.utils import formatdate
from typing import Literal

from mockserver.answers import Headers

RetryAfterForm = Literal["seconds", "float", "date", "ms", "both", "nonsense"]
"""Retry-After in whole seconds, rounded up, or as an HTTP-date (RFC 9110 §10.2.3); as a number with a fraction, which some
servers send; Retry-After-Ms alone, as OpenAI and Azure do; or it and the seconds; or a word that is neither a number nor a date."""


def retry_after(seconds: float, form: RetryAfterForm, now: float) -> Headers:
    """The fields that ask a client to wait `seconds`. `now` is the Unix time an HTTP-date is counted from."""
    whole = ("retry-after", str(math.ceil(seconds)))
    milliseconds = ("retry-after-ms", str(math.ceil(round(seconds * 1000, 6))))
    match form:
        case "seconds":
            return (whole,)
        case "float":
            return (("retry-after", str(seconds)),)
        case "date":
            return (("retry-after", formatdate(math.ceil(now + seconds), usegmt=True)),)
        case "ms":
            return (milliseconds,)
        case "both":
            return (milliseconds, whole)
        case "nonsense":
            return (("retry-after", "soon"),)


def should_retry(wanted: bool | None) -> Headers:
    """The undocumented field by which api.openai.com overrules what its clients would do with a status."""
    return () if wanted is None else (("x-should-retry", str(wanted).lower()),)
