"""To be one of several processes: it says that it is alive, and what it holds is free once it no longer does."""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mockserver.orders import Orders
from mockserver.outbox import Outbox
from mockserver.redis_line import Line, StoreLost
from mockserver.replicas import Replicas
from mockserver.session_options import TTL_SECONDS
from mockserver.upstream import Upstream

BEAT_SECONDS = 1.0
AGAIN_SECONDS = 0.2
"""How soon a store that is lost is looked for again."""
BEATS_A_SWEEP = 30
CONNECTIONS_EACH = 1_000_000
"""Connections of the process with the number n are numbered from n times this."""


class Beats:
    """This process's beats. The first one that is heard joins the others: it tells the process its number, and how far its clock is from
    theirs; each later one tells it, too, for the store may be another one by then."""

    def __init__(self, upstream: Upstream, line: Line, outbox: Outbox, orders: Orders, replicas: Replicas, process: str) -> None:
        self._upstream = upstream
        self._line = line
        self._outbox = outbox
        self._orders = orders
        self._replicas = replicas
        self._root = line.root
        self._process = process
        self._number = 0
        self._reference = ""
        self._beating: asyncio.Task[None] | None = None

    async def start(self) -> str | None:
        """Join the others; why the store is lost, if it is: then requests are refused until it is there."""
        try:
            await self._beat(begun=True)
        except StoreLost as error:
            self._number_connections(secrets.randbelow(CONNECTIONS_EACH))
            reason: str | None = str(error)
        else:
            reason = None
            await self._orders.start()
        self._beating = asyncio.get_running_loop().create_task(self._keep_beating(listening=reason is None))
        return reason

    async def _keep_beating(self, *, listening: bool) -> None:
        wait = BEAT_SECONDS
        for beat in itertools.count(1):
            await asyncio.sleep(wait)
            wait = AGAIN_SECONDS
            try:
                await self._beat()
                if beat % BEATS_A_SWEEP == 0:
                    await self._replicas.sweep()
            except StoreLost:
                continue
            wait = BEAT_SECONDS
            if not listening:
                listening = True
                await self._orders.start()

    async def _beat(self, *, begun: bool = False) -> None:
        asked_at = asyncio.get_running_loop().time()
        ttl = int(TTL_SECONDS * 1000)
        now, number, reference = await self._line.script(
            "beat", self._root, "default", self._process, int(begun), ttl, self._number, _boot(), time.monotonic(), self._reference
        )
        self._line.tell_time(float(now), asked_at)
        if reference != self._reference:
            self._reference = reference
            self._outbox.shift = _shift(json.loads(reference), float(now) / 1000)
        if not self._number:
            self._number = number
            self._number_connections(number)

    def _number_connections(self, number: int) -> None:
        """Number those to come; how many there were is counted on."""
        there_were = self._upstream.connections - self._upstream.connections_before
        self._upstream.connections_before = number * CONNECTIONS_EACH
        self._upstream.connections = self._upstream.connections_before + there_were

    def stop(self) -> None:
        if self._beating is not None:
            self._beating.cancel()

    async def leave(self) -> None:
        """Be none of the processes any more."""
        try:
            await self._line.call("ZREM", f"{self._root}processes", self._process)
        except StoreLost:
            """It will be seen to beat no more."""


def _shift(reference: Mapping[str, Any], now: float) -> float:
    """How far this machine's clock is from the reference: one boot of one machine has one clock."""
    return 0.0 if reference["boot"] == _boot() else now - time.monotonic() - float(reference["ahead"])


@cache
def _boot() -> str:
    """What tells this boot of this machine from others (random(4)); empty where the system does not say."""
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text(encoding="ascii").strip() if path.exists() else ""
