"""Values that look real, by the name of a property and by JSON Schema's formats. Faker makes them; it is imported at first use."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from random import Random
from threading import Lock
from typing import Any, TypeVar
from uuid import UUID

from mockserver.model.sentences import CITIES, COMPANIES, NAMES

_FIRST_DAY = date(2020, 1, 1)
_DAYS = 6 * 365
"""Dates lie in 2020 to 2025: what is said must not depend on today."""

T = TypeVar("T")

_ENGLISH = {"name": NAMES, "city": CITIES, "company": COMPANIES}

_turn = Lock()
"""A generator is shared, and its random numbers are replaced for each value."""


def in_locale(locale: str, what: str, random: Random) -> Any:
    """One value of a Faker provider, its method's name given: `in_locale("vi_VN", "city", random)`. English where the locale has none."""
    with _turn:
        generator = _generator(locale)
        if not hasattr(generator, what):
            generator = _generator("en_US")
        generator.random = random
        return getattr(generator, what)()


@cache
def _generator(locale: str) -> Any:
    from faker import Factory

    return Factory.create(locale)


def _day(random: Random) -> date:
    return _FIRST_DAY + timedelta(days=random.randrange(_DAYS))


def _moment(random: Random) -> datetime:
    return datetime(_FIRST_DAY.year, 1, 1, tzinfo=UTC) + timedelta(seconds=random.randrange(_DAYS * 86_400))


def _uuid(random: Random) -> str:
    return str(UUID(int=random.getrandbits(128), version=4))


_OWN: dict[str, Callable[[Random], str]] = {
    "date": lambda random: _day(random).isoformat(),
    "date_time": lambda random: _moment(random).isoformat().replace("+00:00", "Z"),
    "time": lambda random: f"{_moment(random):%H:%M:%S}Z",
    "clock": lambda random: f"{_moment(random):%H:%M}",
    "duration": lambda random: f"P{random.randint(1, 9)}DT{random.randint(1, 23)}H",
    "uuid": _uuid,
    "reference": lambda random: f"/{random.choice(('docs', 'items', 'users'))}/{random.randint(1, 999)}",
    "fragment": lambda random: f"#{random.choice(('summary', 'details', 'sources'))}",
    "json_pointer": lambda random: f"/items/{random.randint(0, 9)}",
    "relative_json_pointer": lambda random: f"{random.randint(0, 3)}/items",
    "uri_template": lambda random: f"https://example.com/items/{{id}}?page={random.randint(1, 9)}",
    "regex": lambda random: f"^[a-z]{{1,{random.randint(2, 9)}}}$",
    "base64": lambda random: f"{random.getrandbits(72):018x}" * 2,
    "status": lambda random: random.choice(("active", "pending", "completed")),
    "keyword": lambda random: random.choice(("research", "travel", "budget", "health", "design", "security", "garden", "energy", "music")),
    "identifier": lambda random: f"{random.getrandbits(48):012x}",
}
"""What Faker lacks, or would make to depend on today's date."""

_FORMATS = {
    "date-time": "date_time", "date": "date", "time": "time", "duration": "duration", "uuid": "uuid", "email": "email",
    "idn-email": "email", "hostname": "hostname", "idn-hostname": "hostname", "ipv4": "ipv4", "ipv6": "ipv6", "uri": "url", "url": "url",
    "iri": "url", "uri-reference": "reference", "iri-reference": "reference", "uri-template": "uri_template",
    "json-pointer": "json_pointer", "relative-json-pointer": "relative_json_pointer", "regex": "regex", "byte": "base64",
    "base64": "base64", "phone": "phone_number",
}  # fmt: skip

_HOLDS = {
    "name": "name author person customer assignee recipient owner",
    "first_name": "first_name given_name",
    "last_name": "last_name surname family_name",
    "user_name": "username user_name login user",
    "file_name": "file_name filename file",
    "file_path": "path",
    "company": "company_name company organization employer brand vendor supplier",
    "color_name": "product_name color colour",
    "city": "city_name city town location place origin destination capital",
    "email": "email mail email_address",
    "phone_number": "phone mobile phone_number",
    "street_address": "address street",
    "ipv4": "ip_address ip",
    "mac_address": "mac",
    "country": "country",
    "country_code": "country_code",
    "state": "state region",
    "postcode": "zip zip_code postal_code postcode",
    "job": "job occupation profession position job_title",
    "url": "url uri link website homepage",
    "domain_name": "domain",
    "hostname": "host hostname",
    "currency_code": "currency",
    "language_name": "language",
    "locale": "locale",
    "catch_phrase": "title headline subject slogan",
    "isbn13": "isbn",
    "iban": "iban",
    "date": "date birthday day birthdate dob deadline",
    "date_time": "timestamp datetime date_time at",
    "clock": "time",
    "uuid": "uuid guid",
    "identifier": "id key token hash sku code reference ref serial number version",
    "status": "status",
    "keyword": "tag keyword category topic genre label type",
}
_NAMES = {name: what for what, names in _HOLDS.items() for name in names.split()}
"""Property names, in snake case, and what they hold. A longer name is known by its last words: `billing_email` is an email."""

_RANGES = {
    "age": (18, 80), "year": (1990, 2025), "month": (1, 12), "day": (1, 28), "hour": (0, 23), "minute": (0, 59), "second": (0, 59),
    "price": (5, 500), "amount": (5, 500), "cost": (5, 500), "total": (5, 500), "salary": (30_000, 120_000),
    "population": (10_000, 9_000_000), "latitude": (-85, 85), "lat": (-85, 85), "longitude": (-180, 180), "lon": (-180, 180),
    "lng": (-180, 180), "temperature": (-10, 35), "percent": (0, 100), "percentage": (0, 100), "score": (0, 1), "confidence": (0, 1),
    "probability": (0, 1), "rating": (1, 5), "stars": (1, 5), "quantity": (1, 10), "count": (1, 20), "limit": (5, 50), "page": (1, 9),
    "id": (1000, 99_999), "index": (0, 9), "days": (1, 30), "port": (1024, 65_535), "timeout": (1, 60), "humidity": (20, 95),
    "weight": (1, 100), "height": (50, 200), "rank": (1, 10), "priority": (1, 5),
}  # fmt: skip

_PROSE_NAMES = (
    "description summary text message content comment body reason reasoning explanation answer note notes details bio review thought "
    "thoughts conclusion response analysis overview feedback instruction instructions step output observation"
)
_PROSE = frozenset(_PROSE_NAMES.split())


def words_of(name: str) -> list[str]:
    """`billingEmail`, `billing-email` and `billing_email` are all billing, email."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).casefold().replace("_", " ").replace("-", " ").split()


def formatted(kind: str, random: Random) -> str | None:
    """A string of one of JSON Schema's formats, or None for a format that is not known."""
    what = _FORMATS.get(kind)
    return _make(what, "en_US", random) if what else None


def named(name: str, locale: str, random: Random) -> str | None:
    """A string fit for a property of this name, or None when the name tells nothing."""
    what = _known(name, _NAMES)
    return _make(what, locale, random) if what else None


def word(random: Random) -> str:
    """One English word, for a property whose name tells nothing."""
    return _OWN["keyword"](random)


def range_of(name: str) -> tuple[int, int] | None:
    """Between what a number of this name usually lies."""
    return _known(name, _RANGES)


def is_prose(name: str) -> bool:
    """Whether a property of this name holds sentences."""
    return bool(set(words_of(name)[-1:]) & _PROSE)


def _known(name: str, table: dict[str, T]) -> T | None:
    words = words_of(name)
    if words:
        words[-1] = words[-1] if words[-1] in table else words[-1].removesuffix("s")
    return next((table[tail] for first in range(len(words)) if (tail := "_".join(words[first:])) in table), None)


def _make(what: str, locale: str, random: Random) -> str:
    if what in _OWN:
        return _OWN[what](random)
    if locale == "en_US" and what in _ENGLISH:
        return random.choice(_ENGLISH[what])
    return str(in_locale(locale, what, random))
