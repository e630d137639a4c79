"""What a new session may be asked to be: the body of `POST /_mock/sessions`, and the arguments of a test's `session(…)`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mockserver import profiles, registry
from mockserver.author_errors import AuthorError, Mistake, nearest
from mockserver.channels import WEBSOCKET, DialectName
from mockserver.limits import Limits, read_limits
from mockserver.profiles import Shelf
from mockserver.turns import Pace, Script

if TYPE_CHECKING:
    from mockserver.network import Network

TTL_SECONDS = 3600.0
"""How long a session lives after its last use."""
LISTED = "`streamproof profiles list --tag toxiproxy` lists those there are"
MAX_TTL_SECONDS = 365 * 86400
_DOCUMENT = ("turns", "after", "title", "why", "tags", "sources")
_OPTIONS = ("seed", "flavour", "dialect", "pace", "limits", "tls", "own_port", "ttl", "network")


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """None: as the server was told. `tls` is `self-signed` or the path of a PEM file with chain and key; it gives the session
    a port of its own, which the doors of some turns need too. `ttl` is in seconds since the last use. `network` lies between
    the session and its clients: its profile's, unless another is asked for."""

    script: Script = Script()
    profile: str | None = None
    seed: int | None = None
    flavour: str | None = None
    dialect: DialectName | None = None
    pace: Pace | None = None
    limits: Limits | None = None
    tls: str | None = None
    own_port: bool = False
    ttl: float = TTL_SECONDS
    network: Network | None = None


def read_options(value: Any, shelf: Shelf, source: str = "session", *, own_port_if_needed: bool = False) -> SessionOptions:
    """A session as somebody asked for it. `own_port_if_needed`: a door that needs a port gets one without being asked.
    Raises AuthorError with every mistake."""
    if not isinstance(value, Mapping):
        raise AuthorError([Mistake(source, 1, 'wanted an object such as {"profile": "NAME"} or {"turns": […], "after": "stay"}')])
    reading = _Reading(value, source)
    options = reading.options(shelf, own_port_if_needed)
    if reading.mistakes:
        raise AuthorError(reading.mistakes)
    return options


def read_network(value: Any, shelf: Shelf, source: str) -> Network | None:
    """A network by the name of its profile, or written out as a list of toxics; None for None. Raises AuthorError."""
    if value is None:
        return None
    return network_named(value, shelf, source) if isinstance(value, str) else profiles.load_network(value, source)


def network_named(name: str, shelf: Shelf, source: str) -> Network:
    """The network of a profile. Raises AuthorError for a name nobody knows, and for a profile that says nothing of a network."""
    if not shelf.knows(name):
        known = [each for each, path in shelf.paths().items() if path.parent.name == "network"]
        near = nearest(name, known) or nearest(name, shelf.names())
        raise AuthorError([Mistake(source, 1, f"no network named '{name}'{near}; {LISTED}")])
    network = shelf.profile(name).network
    if network is None:
        raise AuthorError([Mistake(source, 1, f"the profile '{name}' has no `network:`; {LISTED}")])
    return network


class _Reading:
    """One body being read; its mistakes are gathered."""

    def __init__(self, value: Mapping[str, Any], source: str) -> None:
        self.value = value
        self.source = source
        self.mistakes: list[Mistake] = []

    def wrong(self, message: str) -> None:
        self.mistakes.append(Mistake(self.source, 1, message))

    def options(self, shelf: Shelf, own_port_if_needed: bool) -> SessionOptions:
        known = ("profile", *_DOCUMENT, *_OPTIONS)
        for key in self.value:
            if key not in known:
                self.wrong(f"unknown key '{key}'{nearest(str(key), known)}; known: {', '.join(known)}")
        profile = self.one("profile", str, "a profile's name")
        script = self.script(profile, shelf)
        tls = self.tls()
        wanted = self.one("own_port", bool, "true or false")
        behind_a_door = any(turn.door.needs_port for turn in script.turns)
        own_port = tls is not None or (own_port_if_needed and behind_a_door) if wanted is None else bool(wanted)
        if not own_port and (tls is not None or behind_a_door):
            cause = "tls" if tls is not None else "a door other than open and http"
            self.wrong(f'{cause} cannot be told by path: it needs "own_port": true')
        return SessionOptions(
            script,
            profile,
            self.one("seed", int, "a whole number"),
            self.flavour(),
            self.dialect(),
            self.gathered(lambda: profiles.load_pace(self.value.get("pace"), self.source), "pace: "),
            self.limits(),
            tls,
            own_port,
            self.ttl(),
            self.network(profile, shelf),
        )

    def one(self, key: str, kind: type[Any], wanted: str) -> Any:
        found = self.value.get(key)
        if found is None or (isinstance(found, kind) and (kind is bool or not isinstance(found, bool))):
            return found
        self.wrong(f"{key}: wanted {wanted}, got {found!r}")
        return None

    def gathered(self, read: Callable[[], Any], place: str = "") -> Any:
        """What `read` gives; its mistakes become this body's, at a place."""
        try:
            return read()
        except AuthorError as error:
            self.mistakes += [replace(mistake, message=f"{place}{mistake.message}") for mistake in error.mistakes]
            return None

    def script(self, profile: str | None, shelf: Shelf) -> Script:
        document = {key: self.value[key] for key in _DOCUMENT if key in self.value}
        if profile is not None:
            if "turns" in document:
                self.wrong("'profile' and 'turns' exclude each other: a session has one script")
            if not shelf.knows(profile):
                self.wrong(f"no profile named '{profile}'{nearest(profile, shelf.names())}")
                return Script()
            found = self.gathered(lambda: shelf.script(profile)) or Script()
            return Script(found.turns, document["after"]) if document.get("after") in ("stay", "repeat", "fail") else found
        if "turns" not in document:
            return Script()
        plain = {key: document[key] for key in ("turns", "after") if key in document}
        return cast(Script, self.gathered(lambda: profiles.load_script(plain, self.source)) or Script())

    def flavour(self) -> str | None:
        name: str | None = self.one("flavour", str, "a flavour's name")
        known = registry.names("mockserver.flavours")
        if name is not None and name not in known:
            self.wrong(f"no flavour named '{name}'{nearest(name, known)}; known: {', '.join(known)}")
        return name

    def limits(self) -> Limits | None:
        given = self.value.get("limits")
        return None if given is None else cast("Limits | None", self.gathered(lambda: read_limits(given, self.source), "limits: "))

    def dialect(self) -> DialectName | None:
        """The dialect of the session's WebSockets, where the URL names none."""
        name = self.one("dialect", str, "a WebSocket dialect")
        found = next((each for each in WEBSOCKET if each == name), None)
        if name is not None and found is None:
            self.wrong(f"no WebSocket dialect '{name}'{nearest(name, sorted(WEBSOCKET))}; known: {', '.join(sorted(WEBSOCKET))}")
        return found

    def tls(self) -> str | None:
        found = self.value.get("tls")
        if found in (None, False):
            return None
        if found is True or found == "self-signed":
            return "self-signed"
        if not isinstance(found, str) or not Path(found).is_file():
            self.wrong(f"tls: wanted self-signed or the path of a PEM file, got {found!r}")
        return str(found)

    def network(self, profile: str | None, shelf: Shelf) -> Network | None:
        """A network by the name of its profile, or written out."""
        found = self.value.get("network")
        if found is not None:
            return cast("Network | None", self.gathered(lambda: read_network(found, shelf, self.source), "network: "))
        known = profile is not None and shelf.knows(profile) and not self.mistakes
        return shelf.profile(cast(str, profile)).network if known else None

    def ttl(self) -> float:
        found = self.value.get("ttl", TTL_SECONDS)
        if isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found <= MAX_TTL_SECONDS:
            self.wrong(f"ttl: wanted seconds (> 0, at most {MAX_TTL_SECONDS:,} for a year), got {found!r}")
            return TTL_SECONDS
        return float(found)
