"""What every process of a fleet is asked to do at once, through Redis' channels: each does it and answers.

A process that does not answer in time (it is stopped, or far away) is not waited for any longer.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mockserver.redis_line import PATIENCE, Line

if TYPE_CHECKING:
    from redis.asyncio.client import PubSub

WAIT_SECONDS = 1.0
SILENT_SECONDS = 2.0
"""After such a silence Redis is asked whether it is still there: a connection that nobody has ended may lead nowhere."""
AGAIN_SECONDS = 0.2
"""How soon a lost subscription is tried again."""

Act = Callable[[dict[str, Any]], Awaitable[Any]]


@dataclass(slots=True)
class _Asked:
    """What was answered so far; `wanted` is how many answers there can be, once that is known."""

    over: asyncio.Future[None]
    answers: list[Any] = field(default_factory=list)
    wanted: int | None = None

    @property
    def complete(self) -> bool:
        return self.wanted is not None and len(self.answers) >= self.wanted

    def look(self) -> None:
        if self.complete and not self.over.done():
            self.over.set_result(None)


class Orders:
    """`acts` are what can be ordered, by name. `told(message)` hears what is sent to this process alone."""

    def __init__(self, line: Line, process: str, told: Callable[[dict[str, Any]], None]) -> None:
        self.acts: dict[str, Act] = {}
        self._line = line
        self._everyone, self._to = f"{line.root}everyone:{line.database}", f"{line.root}to:"
        self._process = process
        self._told = told
        self._asked: dict[str, _Asked] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Task[None] | None = None

    async def everyone(self, name: str, **details: Any) -> list[Any]:
        """What each process, this one included, answers to an order. Raises StoreLost."""
        return (await self._ask(name, details)).answers

    async def told_by(self, name: str, **details: Any) -> tuple[list[Any], bool]:
        """What the processes answer to an order, and whether each has. Raises StoreLost."""
        asked = await self._ask(name, details)
        return asked.answers, asked.complete

    async def agreed(self, name: str, **details: Any) -> bool:
        """Whether each process, this one included, says yes; one that does not answer in time does not. Raises StoreLost."""
        asked = await self._ask(name, details)
        return asked.complete and all(asked.answers)

    async def _ask(self, name: str, details: dict[str, Any]) -> _Asked:
        number = secrets.token_hex(8)
        asked = self._asked[number] = _Asked(asyncio.get_running_loop().create_future())
        try:
            order = {"order": name, "number": number, "from": self._process, **details}
            # Redis counts connections, also those that lead nowhere; a process that is gone still counts as one, for a while.
            asked.wanted = min(
                await asyncio.gather(
                    self._line.call("PUBLISH", self._everyone, json.dumps(order)),
                    self._line.call("ZCARD", f"{self._line.root}processes"),
                )
            )
            asked.look()
            await asyncio.wait((asked.over,), timeout=WAIT_SECONDS)
            return asked
        finally:
            del self._asked[number]

    async def start(self) -> None:
        """Listen; returns when the subscription stands, or soon without it where Redis is not there."""
        stands = asyncio.get_running_loop().create_future()
        self._listening = asyncio.get_running_loop().create_task(self._listen(stands))
        await asyncio.wait((stands,), timeout=WAIT_SECONDS)

    async def close(self) -> None:
        for task in (*self._tasks, *((self._listening,) if self._listening else ())):
            task.cancel()

    async def _listen(self, stands: asyncio.Future[None]) -> None:
        from redis.exceptions import RedisError

        while True:
            try:
                async with self._line.client.pubsub() as channels:
                    await channels.subscribe(self._everyone, f"{self._to}{self._process}")
                    async for message in _coming(channels):
                        if message["type"] == "subscribe":
                            if not stands.done():
                                stands.set_result(None)
                        elif message["type"] == "message":
                            self._hear(json.loads(message["data"]))
            except (RedisError, OSError):
                await asyncio.sleep(AGAIN_SECONDS)

    def _hear(self, message: dict[str, Any]) -> None:
        if "order" in message:
            task = asyncio.get_running_loop().create_task(self._obey(message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif "answer" in message:
            asked = self._asked.get(message["answer"])
            if asked is not None:
                asked.answers.append(message["value"])
                asked.look()
        else:
            self._told(message)

    async def _obey(self, order: dict[str, Any]) -> None:
        from mockserver.redis_line import StoreLost

        act = self.acts.get(order["order"])
        value = None if act is None else await act(order)
        try:
            await self._line.call("PUBLISH", f"{self._to}{order['from']}", json.dumps({"answer": order["number"], "value": value}))
        except StoreLost:
            """Who asked has given up by now."""


async def _coming(channels: PubSub) -> AsyncIterator[dict[str, Any]]:
    """What comes, one after the other. Raises TimeoutError where Redis does not say that it is still there."""
    while True:
        message = await channels.get_message(timeout=SILENT_SECONDS)
        if message is None:
            await channels.ping()
            message = await channels.get_message(timeout=PATIENCE)
        if message is None:
            raise TimeoutError(f"nothing came for {SILENT_SECONDS + PATIENCE:g} s, and no answer to a ping")
        yield message
