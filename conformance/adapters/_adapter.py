"""What the Python adapters share: the lines of the adapter protocol, and the caller behind them. Standard library only.

An adapter hands its client's chunks to a `Caller` as they come and lets every exception pass: what reaches `serve` is what
the client's own caller would have seen.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, closing, nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeVar

Run = Mapping[str, Any]
Json = dict[str, Any]

CONCURRENCY = 8

KINDS = {
    "APIStatusError": "http", "HTTPStatusError": "http", "HTTPError": "http", "ClientResponseError": "http",
    "WSServerHandshakeError": "http", "InvalidStatus": "http", "WebSocketBadStatusException": "http",
    "SSLError": "tls", "ConnectTimeout": "timeout", "TimeoutException": "timeout", "Timeout": "timeout", "TimeoutError": "timeout",
    "APITimeoutError": "timeout", "WebSocketTimeoutException": "timeout",
    "ConnectError": "connect", "ConnectionRefusedError": "connect", "ClientConnectorError": "connect",
    "ConnectionResetError": "reset", "ReadError": "reset", "RemoteProtocolError": "truncated", "ClientPayloadError": "truncated",
    "ChunkedEncodingError": "truncated", "IncompleteRead": "truncated", "ConnectionClosed": "closed",
    "WebSocketConnectionClosedException": "closed", "ServerDisconnectedError": "closed",
    "TooManyRedirects": "redirect", "JSONDecodeError": "parse", "UnicodeDecodeError": "parse", "KeyError": "parse",
    "ConnectionError": "connect", "APIConnectionError": "connect", "APIError": "api",
}  # fmt: skip
"""The protocol's word for an exception, by the name of its class or the nearest base that has one."""

Closed = TypeVar("Closed")
"""What closes a client with its run: a context, blocking or asynchronous."""

_output = threading.Lock()


class Stopped(Exception):
    """The way out of the loop of a caller that stops by raising."""


@dataclass
class Choice:
    """What the caller has of one choice; `calls` are [id, name, arguments] by the call's index."""

    text: str = ""
    finish_reason: str | None = None
    calls: dict[int, list[str]] = field(default_factory=dict)

    def report(self) -> Json:
        calls = [
            dict(zip(("id", "name", "arguments"), call, strict=True)) for _, call in sorted(self.calls.items()) if self.usable(call[2])
        ]
        return {"text": self.text, "finish_reason": self.finish_reason, "tool_calls": calls}

    def usable(self, arguments: str) -> bool:
        """Would the caller act on this call? It reads the arguments as JSON first; none at all are none of a finished call."""
        try:
            json.loads(arguments)
        except ValueError:
            return not arguments and self.finish_reason in ("tool_calls", "stop")
        return True


class Caller:
    """Who consumes one answer: puts it together, says each piece, and knows when it has had enough."""

    def __init__(self, run: Run, own: type[Exception] | None = None) -> None:
        self.run, self.own = run, own
        self.choices: dict[int, Choice] = {}
        self.usage: Mapping[str, Any] | None = None
        self.handed = 0
        self.pause = 0.0
        """Seconds the caller pauses over what it was handed last."""

    def take(self, choices: Iterable[Mapping[str, Any]] | None, usage: Mapping[str, Any] | None = None) -> bool:
        """One chunk, as the client hands it out. True when the caller wants no more; raises Stopped where it stops so."""
        self.pause = 0.0
        for said in choices or ():
            delta, index = said.get("delta") or {}, said.get("index") or 0
            choice = self.choices.setdefault(index, Choice())
            if thought := delta.get("reasoning_content") or delta.get("reasoning"):
                self.say("reasoning", text=thought, index=index)
            if text := words(delta.get("content")):
                choice.text += text
                if self.hand("delta", text=text, index=index):
                    return True
            for fragment in delta.get("tool_calls") or ():
                if self.hand("tool_call", index=index, **self.fragment(choice, fragment)):
                    return True
            choice.finish_reason = said.get("finish_reason") or choice.finish_reason
        if usage:
            self.usage = usage
            self.say("usage", usage=usage)
        return False

    def fragment(self, choice: Choice, said: Mapping[str, Any]) -> Json:
        number, function = said.get("index") or 0, said.get("function") or {}
        call = choice.calls.setdefault(number, ["", "", ""])
        call[0], call[1] = said.get("id") or call[0], function.get("name") or call[1]
        call[2] += function.get("arguments") or ""
        return {"call": number, "id": said.get("id"), "name": function.get("name"), "arguments": function.get("arguments") or ""}

    def hand(self, word: str, /, **piece: object) -> bool:
        """One delta for the caller, who may then have had enough."""
        self.say(word, **piece)
        self.handed += 1
        self.pause += self.run.get("read_delay_ms", 0) / 1000
        if self.handed != self.run.get("cancel_after_events"):
            return False
        if self.run.get("stop") == "raise":
            raise Stopped
        return True

    @property
    def cancels(self) -> bool:
        """Stops by the client's own cancel, not by leaving the loop."""
        return bool(self.run.get("stop", "cancel") == "cancel")

    def say(self, word: str, /, **piece: object) -> None:
        say({"type": word, "run": self.run["run"], **piece})

    def result(self, error: BaseException | None) -> None:
        """The last line: what the caller has, and what it was told."""
        first = self.choices.setdefault(0, Choice()).report()
        several = [choice.report() for _, choice in sorted(self.choices.items())] if len(self.choices) > 1 else None
        whole = {**first, **({"choices": several} if several else {}), **({"usage": self.usage} if self.usage else {})}
        enough = self.handed == self.run.get("cancel_after_events")
        if isinstance(error, (Stopped, asyncio.CancelledError)) or (enough and error is None):
            self.say("result", outcome="cancelled", **whole)
        elif error is None:
            self.say("result", outcome="ok", **whole)
        else:
            owned = {} if self.own is None else {"own_error": isinstance(error, self.own)}
            self.say("result", outcome="error", kind=kind(error), status=status(error), message=str(error) or repr(error), **owned, **whole)


def words(content: str | list[Mapping[str, Any]] | None) -> str:
    """The text of `delta.content`, which Mistral may say as a list of parts."""
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content if part.get("type") == "text")
    return content or ""


def kind(error: BaseException) -> str:
    """The protocol's word for an exception, its own if it has one. A cause says it better than a client's word for any trouble of the
    connection, and than a class that has no word."""
    if isinstance(own := getattr(error, "kind", None), str):
        return own
    if type(error).__name__ in ("APIConnectionError", "ConnectionError") and error.__cause__ is not None:
        return kind(error.__cause__)
    if word := next((KINDS[base.__name__] for base in type(error).__mro__ if base.__name__ in KINDS), None):
        return word
    return kind(error.__cause__) if error.__cause__ is not None else "other"


def status(error: BaseException) -> int | None:
    """The HTTP status that an exception carries, under the names in use."""
    for holder in (error, getattr(error, "response", None)):
        for name in ("status_code", "status"):
            if isinstance(number := getattr(holder, name, None), int) and 100 <= number <= 999:
                return number
    return None


def say(line: Mapping[str, Any]) -> None:
    """One line, whole."""
    with _output:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def held(error: BaseException, run: Run) -> BaseException:
    """What the caller keeps of an error: a caller who holds on to it holds its traceback, and with that the frames it came through."""
    return error if "hold_ms" in run else error.with_traceback(None)


def holds(run: Run, error: BaseException | None) -> float:
    """Seconds for which the caller still has the error after it told its result."""
    return 0 if error is None else run.get("hold_ms", 0) / 1000


def seconds(run: Run, name: str) -> float | None:
    """A control in milliseconds as seconds; None where the client's default stands."""
    return run[name] / 1000 if name in run else None


def orders(hello: Json) -> Iterator[Run]:
    """The runs that are asked for, until bye or the end of input."""
    for line in sys.stdin:
        order = json.loads(line)
        if order["type"] == "hello":
            say({"type": "hello", "protocol": 1, "language": "python", "concurrency": CONCURRENCY, **hello})
        elif order["type"] == "run":
            yield order
        elif order["type"] == "bye":
            return


def offer(hello: Json, own: type[Exception] | None) -> Json:
    """The hello of a client whose documented errors are `own`. Every caller in Python can hold on to an error."""
    capabilities = [*hello.get("capabilities", ()), *(["own-errors"] if own else [])]
    return {**hello, "controls": [*hello["controls"], "hold_ms"], "capabilities": capabilities}


def lent(run: Run, client: Callable[[Run], Any], kept: dict[str, Any], closed: Callable[[Any], Closed]) -> Closed | nullcontext[Any]:
    """The client of a run: that of its label, which is kept, or one of its own, which is closed with it."""
    label = run.get("connection")
    if label is None:
        return closed(client(run))
    if label not in kept:
        kept[label] = client(run)
    return nullcontext(kept[label])


@asynccontextmanager
async def closing_async(client: Any) -> AsyncIterator[Any]:
    """`contextlib.closing`, of a client whose `close` is awaited."""
    try:
        yield client
    finally:
        await client.close()


def serve(
    hello: Json, client: Callable[[Run], Any], stream: Callable[[Any, Run, Caller], None], own: type[Exception] | None = None
) -> None:
    """Serve a blocking client, a thread a run. `client` makes a client object, which has `close`; `stream` makes one request with it;
    `own` is what its documented errors have in common."""
    kept: dict[str, Any] = {}

    def obey(run: Run) -> None:
        caller, error = Caller(run, own), None
        try:
            with lent(run, client, kept, closing) as one:
                stream(one, run, caller)
        except Exception as raised:
            error = held(raised, run)
        caller.result(error)
        time.sleep(holds(run, error))

    threads = []
    for run in orders(offer(hello, own)):
        threads.append(threading.Thread(target=obey, args=(run,)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    for one in kept.values():
        one.close()


Stream = Callable[[Any, Run, Caller], Awaitable[None]]


def serve_async(hello: Json, client: Callable[[Run], Any], stream: Stream, own: type[Exception] | None = None) -> None:
    """Serve an asynchronous client, a task a run. The caller cancels its task, and bounds the whole of it by `asyncio.timeout`."""
    asyncio.run(_serve_async({**hello, "controls": [*hello["controls"], "cancel_after_ms", "total_timeout_ms"]}, client, stream, own))


async def _serve_async(hello: Json, client: Callable[[Run], Any], stream: Stream, own: type[Exception] | None) -> None:
    kept: dict[str, Any] = {}

    async def attempt(run: Run, caller: Caller) -> None:
        async with lent(run, client, kept, closing_async) as one, asyncio.timeout(seconds(run, "total_timeout_ms")):
            await stream(one, run, caller)

    async def obey(run: Run) -> None:
        caller, error = Caller(run, own), None
        task = asyncio.create_task(attempt(run, caller))
        if "cancel_after_ms" in run:
            asyncio.get_running_loop().call_later(run["cancel_after_ms"] / 1000, task.cancel)
        try:
            await task
        except (Exception, asyncio.CancelledError) as raised:
            error = held(raised, run)
        caller.result(error)
        await asyncio.sleep(holds(run, error))

    asked, runs = orders(offer(hello, own)), set()
    while (run := await asyncio.to_thread(next, asked, None)) is not None:
        runs.add(asyncio.create_task(obey(run)))
    await asyncio.gather(*runs)
    for one in kept.values():
        await one.close()
