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

_FIRST_DAY = date(2020, 1, 1)
_DAYS = 6 * 365
"""Dates lie in 2020 to 2025: what is said must not depend on today."""

from mockserver.model.sentences import CITIES, COMPANIES, NAMES

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
    "date-time": "date_time", "date": "date", "time": "time", "duration": "duration", "uuid": "uuid", "email": "email", "idn-email": "email",
    "hostname": "hostname", "idn-hostname": "hostname", "ipv4": "ipv4", "ipv6": "ipv6", "uri": "url", "url": "url", "iri": "url",
    "uri-reference": "reference", "iri-reference": "reference", "uri-template": "uri_template", "json-pointer": "json_pointer",
    "relative-json-pointer": "relative_json_pointer", "regex": "regex", "byte": "base64", "base64": "base64", "phone": "phone_number",
}  # fmt: skip

_NAMES = {
    "name": "name", "author": "name", "person": "name", "customer": "name", "assignee": "name", "recipient": "name", "owner": "name",
    "first_name": "first_name", "given_name": "first_name", "last_name": "last_name", "surname": "last_name", "family_name": "last_name",
    "username": "user_name", "user_name": "user_name", "login": "user_name", "user": "user_name", "file_name": "file_name", "filename": "file_name",
    "file": "file_name", "path": "file_path", "company_name": "company", "product_name": "color_name", "city_name": "city",
    "email": "email", "mail": "email", "phone": "phone_number", "mobile": "phone_number", "phone_number": "phone_number",
    "address": "street_address", "street": "street_address", "email_address": "email", "ip_address": "ipv4", "ip": "ipv4", "mac": "mac_address",
    "city": "city", "town": "city", "location": "city", "place": "city", "origin": "city", "destination": "city", "capital": "city",
    "country": "country", "country_code": "country_code", "state": "state", "region": "state", "zip": "postcode", "zip_code": "postcode",
    "postal_code": "postcode", "postcode": "postcode", "company": "company", "organization": "company", "employer": "company", "brand": "company",
    "vendor": "company", "supplier": "company", "job": "job", "occupation": "job", "profession": "job", "position": "job", "job_title": "job",
    "url": "url", "uri": "url", "link": "url", "website": "url", "homepage": "url", "domain": "domain_name", "host": "hostname", "hostname": "hostname",
    "currency": "currency_code", "color": "color_name", "colour": "color_name", "language": "language_name", "locale": "locale",
    "title": "catch_phrase", "headline": "catch_phrase", "subject": "catch_phrase", "slogan": "catch_phrase", "isbn": "isbn13", "iban": "iban",
    "date": "date", "birthday": "date", "day": "date", "birthdate": "date", "dob": "date", "deadline": "date", "timestamp": "date_time",
    "datetime": "date_time", "date_time": "date_time", "at": "date_time", "time": "clock", "uuid": "uuid", "guid": "uuid", "id": "identifier",
    "key": "identifier", "token": "identifier", "hash": "identifier", "status": "status", "tag": "keyword", "keyword": "keyword", "category": "keyword",
    "topic": "keyword", "genre": "keyword", "label": "keyword", "type": "keyword",
}  # fmt: skip
"""Property names, in snake case, and what they hold. A longer name is known by its last words: `billing_email` is an email."""

_RANGES = {
    "age": (18, 80), "year": (1990, 2025), "month": (1, 12), "day": (1, 28), "hour": (0, 23), "minute": (0, 59), "second": (0, 59),
    "price": (5, 500), "amount": (5, 500), "cost": (5, 500), "total": (5, 500), "salary": (30_000, 120_000), "population": (10_000, 9_000_000),
    "latitude": (-85, 85), "lat": (-85, 85), "longitude": (-180, 180), "lon": (-180, 180), "lng": (-180, 180), "temperature": (-10, 35),
    "percent": (0, 100), "percentage": (0, 100), "score": (0, 1), "confidence": (0, 1), "probability": (0, 1), "rating": (1, 5), "stars": (1, 5),
    "quantity": (1, 10), "count": (1, 20), "limit": (5, 50), "page": (1, 9), "id": (1000, 99_999), "index": (0, 9), "days": (1, 30),
    "port": (1024, 65_535), "timeout": (1, 60), "humidity": (20, 95), "weight": (1, 100), "height": (50, 200), "rank": (1, 10), "priority": (1, 5),
}  # fmt: skip

_PROSE = frozenset(
    "description summary text message content comment body reason reasoning explanation answer note notes details bio review thought "
    "thoughts conclusion response analysis overview feedback instruction instructions step output observation".split()
)


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
