"""Say a chunk in text that is nearly JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from mockserver.dialects._dialect import to_json
from mockserver.events import Events, Verbatim
from mockserver.faults.events._spots import chunk_at, no_moment, replaced
from mockserver.places import Place
from mockserver.scene import Scene

Flaw = Literal["trailing-comma", "single-quotes", "bare-keys", "python", "nan", "doubled", "garbage"]

_PYTHON = {"null": "None", "true": "True", "false": "False"}

_FLAWS: Mapping[str, Callable[[str], str]] = {
    "trailing-comma": lambda text: f"{text[:-1]},}}",
    "single-quotes": lambda text: text.replace('"', "'"),
    "bare-keys": lambda text: re.sub(r'([{,])"(\w+)":', r"\1\2:", text),
    "python": lambda text: re.sub(r":(null|true|false)\b", lambda word: f":{_PYTHON[word[1]]}", text.replace('"', "'")),
    "nan": lambda text: re.sub(r'"created":\d+(\.\d+)?', '"created":NaN', text),
    "doubled": lambda text: text + text,
    "garbage": lambda text: "<<< not JSON >>>",
}


@dataclass(frozen=True)
class BadJson:
    """flaw: what is wrong with it; `python` is a dict as Python prints it, `doubled` one object behind the other in one event."""

    at: Place = Place("content", 1)
    flaw: Flaw = "trailing-comma"

    def __call__(self, events: Events, scene: Scene) -> Events:
        chunk = chunk_at(events, self.at)
        if chunk is None:
            return events
        text = to_json(chunk.body).decode("utf-8", "surrogatepass")
        return replaced(events, self.at, (Verbatim(_FLAWS[self.flaw](text), chunk.mark, chunk.choice),))

    def mistake(self) -> str | None:
        return no_moment(self.at)
