"""Fault profiles: YAML files become scripts of turns. What is wrong in a file is told at load, all of it at once, with the
file, the line, what came, what was wanted and the nearest name; a profile that loads cannot fail in mid-request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

from mockserver import registry
from mockserver.author_errors import AuthorError, Mistake, nearest
from mockserver.bundled import bundled
from mockserver.channels import EVENT_STREAM, EVERY, HTTP, DialectName
from mockserver.doors import Door, TlsFault
from mockserver.places import Place, dialects_with
from mockserver.turns import STAGES, After, Pace, Script, Stage, Turn, Use, acts_early

if TYPE_CHECKING:
    from mockserver.network import Network, Toxic

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """A loaded file. `dialects` are those on which every fault of it has a meaning; `network` lies between client and mock."""

    name: str
    title: str
    why: str
    script: Script
    tags: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    dialects: frozenset[DialectName] = EVERY
    needs_port: bool = False
    path: Path | None = None
    network: Network | None = None


class Shelf:
    """The profiles that can be asked for by name, indexed by file name and parsed at first use.

    `folders` are looked through before the shipped ones.
    """

    def __init__(self, folders: Iterable[Path] = ()) -> None:
        self._folders = (*folders, bundled("fault_profiles"))
        self._paths: dict[str, Path] | None = None
        self._loaded: dict[str, Profile] = {}

    def paths(self) -> dict[str, Path]:
        """Every profile's file. The name is the file's stem. Raises AuthorError when two files give one name."""
        if self._paths is None:
            self._paths = {}
            mistakes = []
            for folder in self._folders:
                for path in sorted(folder.rglob("*.yaml")):
                    if path.stem in self._paths and folder == self._folders[-1] and self._paths[path.stem].is_relative_to(folder):
                        mistakes.append(Mistake(str(path), 1, f"the name '{path.stem}' is already {self._paths[path.stem]}'s"))
                    self._paths.setdefault(path.stem, path)
            if mistakes:
                raise AuthorError(mistakes)
        return self._paths

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.paths()))

    def knows(self, name: str) -> bool:
        return name in self.paths()

    def profile(self, name: str) -> Profile:
        """Raises KeyError for an unknown name, AuthorError for a file with mistakes."""
        if name not in self._loaded:
            self._loaded[name] = load_file(self.paths()[name])
        return self._loaded[name]

    def script(self, name: str) -> Script:
        return self.profile(name).script


def load_file(path: Path) -> Profile:
    """Read a profile. Raises AuthorError with every mistake in it."""
    from mockserver import yaml_marks

    value, line = yaml_marks.parse(yaml_marks.text_of(path), str(path))
    return load(value, path.stem, str(path), line, path)


def load(value: Any, name: str, source: str, line: Callable[[KeyPath], int] = lambda _: 1, path: Path | None = None) -> Profile:
    """A profile from a parsed document. Raises AuthorError."""
    reading = _Reading(source, line, path.parent if path else Path.cwd())
    profile = reading.profile(value, name, path)
    if reading.mistakes:
        raise AuthorError(reading.mistakes)
    return profile


def load_script(value: Any, source: str) -> Script:
    """Turns and what comes after them (`{turns, after}`), as the control API takes them. Raises AuthorError."""
    reading = _Reading(source, lambda _: 1, Path.cwd())
    script = reading.script(value, ()) if reading.mapping(value, (), ("turns", "after")) else Script()
    if reading.mistakes:
        raise AuthorError(reading.mistakes)
    return script


def load_pace(value: Any, source: str) -> Pace | None:
    """A pace: a preset's name, or the fields of `Pace`. Raises AuthorError."""
    reading = _Reading(source, lambda _: 1, Path.cwd())
    pace = reading.pace(value, ())
    if reading.mistakes:
        raise AuthorError(reading.mistakes)
    return pace


def load_network(value: Any, source: str) -> Network | None:
    """A network: a list of toxics. Raises AuthorError."""
    reading = _Reading(source, lambda _: 1, Path.cwd())
    network = reading.network(value, ())
    if reading.mistakes:
        raise AuthorError(reading.mistakes)
    return network


def load_use(value: Any, source: str) -> Use:
    """One fault as a turn lists it. Raises AuthorError."""
    reading = _Reading(source, lambda _: 1, Path.cwd())
    use = reading.use(value, ())
    if use is None or reading.mistakes:
        raise AuthorError(reading.mistakes)
    return use


@cache
def fault_stages() -> dict[str, Stage]:
    """Every fault's name and the stage whose folder it lies in."""
    return {name: stage for stage in STAGES for name in registry.names(f"mockserver.faults.{stage}")}


def fault_class(name: str) -> type[Any]:
    return registry.find(f"mockserver.faults.{fault_stages()[name]}", name)


class _Reading:
    """One document being read; its mistakes are gathered."""

    def __init__(self, source: str, line: Callable[[KeyPath], int], folder: Path) -> None:
        self.source = source
        self.line = line
        self.folder = folder
        self.mistakes: list[Mistake] = []

    def wrong(self, path: KeyPath, message: str) -> None:
        where = ".".join(str(part) for part in path)
        self.mistakes.append(Mistake(self.source, self.line(path), f"{where}: {message}" if where else message))

    def mapping(self, value: Any, path: KeyPath, known: Iterable[str]) -> bool:
        """Whether it is a mapping; keys that are not known are mistakes."""
        if not isinstance(value, Mapping):
            self.wrong(path, f"wanted a mapping of {', '.join(known)}, got {_kind(value)}")
            return False
        for key in value:
            if key not in known:
                self.wrong((*path, key), f"unknown key '{key}'{nearest(key, known)}; known: {', '.join(known)}")
        return True

    def profile(self, value: Any, name: str, path: Path | None) -> Profile:
        known = ("title", "why", "tags", "sources", "turns", "after", "network")
        if not self.mapping(value, (), known):
            return Profile(name, "", "", Script())
        for key in ("title", "why"):
            if not isinstance(value.get(key), str) or not value[key].strip():
                self.wrong((key,), f"wanted a sentence as '{key}', got {_kind(value.get(key))}")
        network = self.network(value["network"], ("network",), name) if "network" in value else None
        script = Script() if network and "turns" not in value else self.script(value, ())
        return Profile(
            name,
            str(value.get("title", "")),
            str(value.get("why", "")).strip(),
            script,
            self.texts(value, "tags"),
            self.texts(value, "sources"),
            _dialects(script),
            network is not None or any(turn.door.needs_port for turn in script.turns),
            path,
            network,
        )

    def network(self, value: Any, path: KeyPath, name: str | None = None) -> Network | None:
        if not isinstance(value, list) or not value:
            self.wrong(path, f"wanted a list of toxics such as `- latency: {{latency: 300, jitter: 50}}`, got {_kind(value)}")
            return None
        from mockserver.network import Network

        toxics = [self.toxic(item, (*path, index)) for index, item in enumerate(value)]
        return Network(tuple(toxic for toxic in toxics if toxic), name)

    def toxic(self, value: Any, path: KeyPath) -> Toxic | None:
        """A toxic in a list: its name alone, or its name with its fields or with its first field's value."""
        from mockserver.network import TOXICS, Toxic, aim_of
        from mockserver.parameters import types_of

        name, given = (value, {}) if isinstance(value, str) else _single(value)
        if name not in TOXICS:
            got = f"no toxic named '{name}'{nearest(name, TOXICS)}" if isinstance(name, str) else f"got {_kind(value)}"
            self.wrong(path, f"{got}; wanted one of {', '.join(TOXICS)}, such as `- latency: {{latency: 300, jitter: 50}}`")
            return None
        own, common = types_of(TOXICS[name]), types_of(aim_of(name))
        if not isinstance(given, Mapping):
            given = {} if given is None else {next(iter(own), "seconds"): given}
        attributes = self.build(TOXICS[name], {key: item for key, item in given.items() if key not in common}, (*path, name), (*common,))
        aim = self.build(aim_of(name), {key: item for key, item in given.items() if key in common}, (*path, name))
        return Toxic(name, attributes, aim) if attributes and aim else None

    def texts(self, value: Mapping[str, Any], key: str) -> tuple[str, ...]:
        items = value.get(key) or []
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            self.wrong((key,), f"wanted a list of texts, got {_kind(items)}")
            return ()
        return tuple(items)

    def script(self, value: Mapping[str, Any], path: KeyPath) -> Script:
        turns = value.get("turns")
        if not isinstance(turns, list) or not turns:
            self.wrong((*path, "turns"), f"wanted a list of at least one turn, got {_kind(turns)}")
            return Script()
        after = value.get("after", "stay")
        if after not in get_args(After):
            self.wrong((*path, "after"), f"'{after}': wanted stay, repeat or fail{nearest(str(after), get_args(After))}")
        return Script(tuple(self.turn(turn, (*path, "turns", index)) for index, turn in enumerate(turns)), cast(After, after))

    def turn(self, value: Any, path: KeyPath) -> Turn:
        if value is None:
            value = {}
        if not self.mapping(value, path, ("answer", "pace", "faults", "door")):
            return Turn()
        listed = value.get("faults") or []
        if not isinstance(listed, list):
            self.wrong((*path, "faults"), f"wanted a list of faults, got {_kind(listed)}")
            listed = []
        uses = [self.use(item, (*path, "faults", index)) for index, item in enumerate(listed)]
        faults = sorted((use for use in uses if use), key=lambda use: STAGES.index(use.stage))
        answer = self.answer(value.get("answer"), (*path, "answer"))
        for index, use in enumerate(uses):
            if use is not None:
                self.occurs(use, answer, (*path, "faults", index))
        return Turn(
            answer,
            self.pace(value.get("pace"), (*path, "pace")),
            tuple(faults),
            self.door(value.get("door"), (*path, "door")),
            any(map(acts_early, faults)),
        )

    def answer(self, value: Any, path: KeyPath) -> Mapping[str, Any] | None:
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self.wrong(path, f"wanted a mapping such as {{content: [Hel, lo]}}, got {_kind(value)}")
            return None
        if "replay" in value:
            return self.replay(value, path)
        from mockserver.model.reply import check_script

        for message in check_script(value):
            self.wrong(path, message)
        return value

    def replay(self, value: Mapping[str, Any], path: KeyPath) -> Mapping[str, Any]:
        file = self.folder / str(value["replay"])
        if not file.is_file():
            self.wrong((*path, "replay"), f"no file {file}")
        elif self.mapping(value, path, ("replay", "line")):
            from mockserver.replay import capture

            try:
                capture(file, value.get("line"))
            except AuthorError as error:
                self.mistakes += error.mistakes
        return {**value, "replay": str(file)}

    def pace(self, value: Any, path: KeyPath) -> Pace | None:
        if value is None:
            return None
        from mockserver.paces import PRESETS

        if isinstance(value, str):
            if value not in PRESETS:
                self.wrong(path, f"no pace named '{value}'{nearest(value, PRESETS)}; known: {', '.join(PRESETS)}")
            return PRESETS.get(value)
        return cast("Pace | None", self.build(Pace, value, path))

    def door(self, value: Any, path: KeyPath) -> Door:
        if value is None:
            return Door()
        kinds = ("open", "refuse", "silent", "reset", "close", "tls", "http")
        kind, detail = (value, None) if isinstance(value, str) else _single(value)
        if kind not in kinds:
            self.wrong(path, f"no door '{kind}': wanted one of {', '.join(kinds)}{nearest(str(kind), kinds)}")
            return Door()
        if kind == "tls":
            if detail not in get_args(TlsFault):
                known = get_args(TlsFault)
                self.wrong(path, f"no TLS fault '{detail}': wanted one of {', '.join(known)}{nearest(str(detail), known)}")
            return Door("tls", tls=detail)
        if kind == "http":
            from mockserver.answers import ApiError

            status = detail if isinstance(detail, int) else 503
            return Door("http", error=ApiError(status, f"The handshake was refused with {status}.", "server_error"))
        if detail is not None and kind in ("refuse", "silent"):
            return Door(cast(Any, kind), seconds=self.time(detail, path))
        if detail is not None:
            self.wrong(path, f"the door '{kind}' takes no value")
        return Door(cast(Any, kind))

    def time(self, value: Any, path: KeyPath) -> float:
        from mockserver.parameters import ParameterError, seconds

        try:
            return seconds(value)
        except ParameterError as error:
            self.wrong(path, str(error))
            return 0.0

    def use(self, value: Any, path: KeyPath) -> Use | None:
        """A fault in a list: its name alone, or its name with its fields or with its first field's value."""
        name, given = (value, {}) if isinstance(value, str) else _single(value)
        if not isinstance(name, str):
            self.wrong(path, f"wanted a fault such as `- reset: {{at: content:3}}`, got {_kind(value)}")
            return None
        stages = fault_stages()
        if name not in stages:
            self.wrong(path, f"no fault named '{name}'{nearest(name, stages)}")
            return None
        kind = fault_class(name)
        given = {} if given is None else given
        if not isinstance(given, Mapping):
            from mockserver.parameters import types_of

            first = next(iter(types_of(kind)), None)
            if first is None:
                self.wrong(path, f"the fault '{name}' has no fields")
                return None
            given = {first: given}
        chance = given.get("chance", 1.0)
        if isinstance(chance, bool) or not isinstance(chance, int | float) or not 0 <= chance <= 1:
            self.wrong((*path, name, "chance"), f"{chance!r}: wanted a probability from 0 to 1")
            chance = 1.0
        fault = self.build(kind, {key: item for key, item in given.items() if key != "chance"}, (*path, name), ("chance",))
        return None if fault is None else Use(name, stages[name], fault, float(chance))

    def build(self, kind: type[Any], value: Any, path: KeyPath, more: tuple[str, ...] = ()) -> Any:
        """A dataclass of ours from a mapping, each field checked by its type."""
        from mockserver.parameters import ParameterError, required, types_of, value_of

        types = {name.replace("_", "-") if name.replace("_", "-") in value else name: item for name, item in types_of(kind).items()}
        before = len(self.mistakes)
        if not self.mapping(value, path, (*types, *more)):
            return None
        for name in required(kind):
            if name not in value and name.replace("_", "-") not in value:
                self.wrong(path, f"'{name}' is missing")
        built = {}
        for name, item in value.items():
            if name in types:
                try:
                    built[name.replace("-", "_")] = value_of(types[name], item)
                except ParameterError as error:
                    self.wrong((*path, name), str(error))
        if len(self.mistakes) > before:
            return None
        made = kind(**built)
        message = made.mistake() if hasattr(made, "mistake") else None
        if message:
            self.wrong(path, message)
        return made

    def occurs(self, use: Use, answer: Mapping[str, Any] | None, path: KeyPath) -> None:
        """A scripted answer has only the events it names: a place beyond them can never come."""
        place = getattr(use.fault, "at", None)
        if place is not None and place.name == "accept":
            door = {"reset": "reset", "stall": "silent", "vanish": "silent"}.get(use.name, "close")
            self.wrong(path, f"no request is known yet at 'accept', so no fault of one can act there; wanted `door: {door}` in the turn")
        content = None if answer is None else answer.get("content")
        if place is None or answer is None or "choices" in answer or "replay" in answer:
            return
        if place.name == "content" and isinstance(content, list) and place.number > len(content):
            self.wrong(path, f"'{place}' cannot occur: the answer has {len(content)} content deltas")
        if place.name == "tool" and not answer.get("tool_calls"):
            self.wrong(path, f"'{place}' cannot occur: the answer calls no tool")


def _dialects(script: Script) -> frozenset[DialectName]:
    """Where every fault has a meaning and its place can occur; a script without any has one everywhere."""
    found = EVERY
    for turn in script.turns:
        if turn.answer and "replay" in turn.answer:
            found &= HTTP | EVENT_STREAM
        for use in turn.faults:
            found &= getattr(use.fault, "dialects", EVERY)
            place = getattr(use.fault, "at", None)
            if isinstance(place, Place):
                found &= dialects_with(place, among_events=use.stage == "events")
    return found


def _single(value: Any) -> tuple[Any, Any]:
    if isinstance(value, Mapping) and len(value) == 1:
        return next(iter(value.items()))
    return None, None


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    names = {
        dict: "a mapping",
        list: "a list" if value else "an empty list",
        str: f"'{value}'",
        bool: str(value).lower(),
        int: str(value),
        float: str(value),
    }
    return names.get(type(value), type(value).__name__)
