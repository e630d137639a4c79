"""The network between client and mock, as data: toxics, named and measured as Toxiproxy has them.

https://github.com/Shopify/toxiproxy#toxics
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from mockserver.parameters import Count, Seconds, Share, Size


@dataclass(frozen=True, slots=True)
class Latency:
    """Everything comes `latency` milliseconds late, ± `jitter`."""

    latency: Size
    jitter: Size = 0


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """At most `rate` kilobytes a second."""

    rate: Count


@dataclass(frozen=True, slots=True)
class SlowClose:
    """The connection is closed `delay` milliseconds late."""

    delay: Size


@dataclass(frozen=True, slots=True)
class Timeout:
    """Nothing gets through but the other side's close, and the connection is closed after `timeout` milliseconds; 0: it stays open."""

    timeout: Size = 0


@dataclass(frozen=True, slots=True)
class ResetPeer:
    """RST, `timeout` milliseconds after the first bytes came; these are lost.

    Toxiproxy ends by RST whatever it ends while there is such a toxic: with a `toxicity` below 1 the connections that are spared
    are whole, and end by RST behind their last byte.
    """

    timeout: Size = 0


@dataclass(frozen=True, slots=True)
class Slicer:
    """Bytes come in slices of `average_size` ± `size_variation`, with a pause of `delay` microseconds between them."""

    average_size: Count
    size_variation: Size = 0
    delay: Size = 0

    def mistake(self) -> str | None:
        """A slice of no bytes at all cannot be cut."""
        if self.size_variation < self.average_size:
            return None
        return f"'size_variation' is {self.size_variation}: wanted less than 'average_size', {self.average_size}"


@dataclass(frozen=True, slots=True)
class LimitData:
    """The connection is closed once `bytes` bytes have gone through."""

    bytes: Size


@dataclass(frozen=True, slots=True)
class Down:
    """Nobody listens, and open connections are closed."""


TOXICS: dict[str, type[Any]] = {
    "latency": Latency,
    "bandwidth": Bandwidth,
    "slow_close": SlowClose,
    "timeout": Timeout,
    "reset_peer": ResetPeer,
    "slicer": Slicer,
    "limit_data": LimitData,
    "down": Down,
}
"""Every toxic by Toxiproxy's name for it; `down` is what Toxiproxy calls a disabled proxy."""


@dataclass(frozen=True, slots=True)
class Span:
    """When a toxic acts: from `after` seconds behind the opening of its session or server, for so many `seconds` (0: to the end)."""

    after: Seconds = 0.0
    seconds: Seconds = 0.0


@dataclass(frozen=True, slots=True)
class Aim(Span):
    """What a toxic acts on besides: the bytes to the client (downstream) or from it (upstream), on this share of the connections."""

    stream: Literal["downstream", "upstream"] = "downstream"
    toxicity: Share = 1.0


@dataclass(frozen=True, slots=True)
class Toxic:
    """One toxic of a network."""

    type: str
    attributes: Any
    aim: Span

    def asked(self, name: str) -> dict[str, Any]:
        """What Toxiproxy's `POST /proxies/…/toxics` takes."""
        assert isinstance(self.aim, Aim)
        attributes = asdict(self.attributes)
        return {"name": name, "type": self.type, "stream": self.aim.stream, "toxicity": self.aim.toxicity, "attributes": attributes}


@dataclass(frozen=True, slots=True)
class Network:
    """What lies between: toxics in the order in which bytes meet them. `name` is that of its profile."""

    toxics: tuple[Toxic, ...]
    name: str | None = None


def aim_of(type: str) -> type[Span]:
    """What may be said of a toxic besides its attributes: to be down has no direction and no share."""
    return Span if type == "down" else Aim
