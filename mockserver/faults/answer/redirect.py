"""Send the client somewhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from mockserver.answers import Answer, Headers, Plain
from mockserver.channels import WEBSOCKET
from mockserver.scene import Scene


@dataclass(frozen=True)
class Redirect:
    """status: 301 and 302, after which clients turn POST into GET, 303, which asks for that, and 307 and 308, which forbid it
    (RFC 9110 §15.4); 300, 304 and 305 as well.

    to: `same` leads to the same URL, where the next turn waits; `other` to the second listener of a session with a port of its
    own, which is another origin (without one the fault cannot fire); `none` sends no Location; anything else is the Location.
    """

    http: ClassVar[bool] = True

    status: Literal[300, 301, 302, 303, 304, 305, 307, 308] = 307
    to: str = "same"

    def __call__(self, answer: Answer, scene: Scene) -> Answer:
        if self.to == "other" and scene.other_origin is None:
            return answer
        return Plain(self.status, self._location(scene))

    def _location(self, scene: Scene) -> Headers:
        match self.to:
            case "none":
                return ()
            case "same":
                # References relative to the request's own URL (RFC 3986 §5.2), so that they stay below the session's path.
                return (("location", "?again" if scene.dialect in WEBSOCKET else "completions"),)
            case "other":
                return (("location", self._elsewhere(scene)),)
        return (("location", self.to),)

    def _elsewhere(self, scene: Scene) -> str:
        """The same resource at the other origin, by the scheme that the request came with."""
        origin = scene.other_origin or ""
        if scene.dialect in WEBSOCKET:
            return f"{origin.replace('http', 'ws', 1)}/v1/ws/chat?dialect={scene.dialect}"
        return f"{origin}/v1/chat/completions"
