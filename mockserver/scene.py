"""What a fault may look at besides the value it rewrites."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from mockserver.answers import Request
from mockserver.channels import DialectName

if TYPE_CHECKING:
    from mockserver.flavours._flavour import Flavour


@dataclass(frozen=True, slots=True)
class Scene:
    """The request, who speaks, in which dialect, and the fault's own random numbers (seeded by session, turn and index).

    now: the Unix time at which the request was read, in seconds. other_origin: scheme, host and port of the session's second
    listener, if it has one.
    """

    request: Request
    flavour: Flavour
    dialect: DialectName
    random: Random
    now: float = 0.0
    other_origin: str | None = None
