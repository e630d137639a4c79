"""A chat completion asked for over HTTP or WebSocket: attempts, keys, fail-over, redirects."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urljoin, urlsplit

from conformance.reference.answer import Answer, Piece
from conformance.reference.event_stream import Event, EventStream
from conformance.reference.failure import Failure
from conformance.reference.http1 import AGENT, Response, head
from conformance.reference.limits import Limits
from conformance.reference.messages import left_over, messages_in, typed_message
from conformance.reference.provider_error import error_in
from conformance.reference.run import Run
from conformance.reference.websocket import WebSocket
from conformance.reference.wire import Place

if TYPE_CHECKING:
    from conformance.reference.client import Parts


class Client:
    """Asks, and again if it is worth it."""

    REDIRECTS = 5
    ERROR_BODY = 1.0
    """Seconds for the body of an error, whose status is known already."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.retries = parts.retries()
        self.pool = parts.pool(parts.wire)

    # The attempts

    def stream(self, run: Run, answer: Answer, limits: Limits) -> Generator[Piece, None, None]:
        """The pieces of an answer, as they come. Raises Failure or Cancelled; closing the iterator leaves at once."""
        keys, urls = list(run.keys), list(run.urls)
        attempt, tries = 1, 0
        while True:
            limits.heard()
            try:
                yield from self.attempt(urls[0], keys[0], run, answer, limits)
                return
            except Failure as failure:
                if not self.retries.allowed(answer):
                    raise
                if failure.status == 401 and failure.kind == "http" and len(keys) > 1:
                    keys.pop(0)
                    delay: float | None = 0.0
                elif failure.refused and len(urls) > 1:
                    delay = None
                else:
                    delay = self.next_delay(failure, tries, run)
                    tries += 1
                if delay is None:
                    if len(urls) == 1 or not self.retries.worth(failure):
                        raise
                    urls.pop(0)
                    tries, delay = 0, 0.0
                reason = failure.message
            attempt += 1
            yield {"type": "retry", "attempt": attempt, "reason": reason}
            limits.sleep(delay)

    def next_delay(self, failure: Failure, tries: int, run: Run) -> float | None:
        if tries >= run.max_retries or not self.retries.worth(failure):
            return None
        return self.retries.delay(failure, tries)

    def attempt(self, url: str, key: str, run: Run, answer: Answer, limits: Limits) -> Iterator[Piece]:
        if run.transport == "ws":
            return self.over_websocket(url, key, run, answer, limits)
        return self.over_http(url, key, run, answer, limits)

    def heard(self, events: Iterable[Event], answer: Answer, limits: Limits) -> Iterator[Piece]:
        """What has come, until the answer is over. Before the first event any bytes are a sign of life, then only data is."""
        if not answer.heard:
            limits.heard()
        for event in events:
            yield from answer.hear(event)
            if event.data.strip():
                answer.heard = True
                limits.heard()
            if answer.over:
                return

    # HTTP

    def over_http(self, url: str, key: str, run: Run, answer: Answer, limits: Limits) -> Iterator[Piece]:
        response = self.post(url, key, run, limits)
        events = self.parts.events()
        try:
            if not run.request.get("stream"):
                yield from self.unstreamed(response, answer)
                return
            for piece in response.content():
                yield from self.heard(events.feed(piece), answer, limits)
                if answer.over:
                    return
            for event in events.end():
                yield from answer.hear(event)
            answer.end()
        finally:
            answer.begun = answer.begun or response.begun
            self.pool.release(response, answer.over)

    def unstreamed(self, response: Response, answer: Answer) -> Iterator[Piece]:
        """A whole chat.completion, for a request without `stream`."""
        yield from answer.hear(Event(b"".join(response.content()).decode("utf-8", "replace")))
        answer.end()

    def post(self, url: str, key: str, run: Run, limits: Limits) -> Response:
        """The response that carries the answer. Follows redirects that keep the method on the same origin."""
        origin = Place.of(urlsplit(url), run.ca_file)
        for _ in range(self.REDIRECTS + 1):
            response = self.ask(urlsplit(url), key, run, limits)
            if not 300 <= response.status < 400:
                self.accept(response, run)
                return response
            self.pool.release(response, True)  # a body nobody wants
            url = self.redirect(url, response, origin)
        raise Failure("redirect", f"more than {self.REDIRECTS} redirects")

    def redirect(self, url: str, response: Response, origin: Place) -> str:
        """Where to go on (RFC 9110 §15.4): 307 and 308 keep method and body. Credentials stay with their origin."""
        location = response.headers.get("location", "")
        if response.status not in (307, 308) or not location:
            raise Failure("redirect", f"HTTP {response.status} to '{location}' is not an answer", status=response.status)
        target = location
        try:
            target = urljoin(url, location)
            same = Place.of(urlsplit(target), origin.ca_file) == origin
        except ValueError:
            same = False
        if not same:
            raise Failure("redirect", f"HTTP {response.status} to another origin: {target}", status=response.status)
        return target

    def ask(self, url: SplitResult, key: str, run: Run, limits: Limits) -> Response:
        wire = self.pool.borrow(Place.of(url, run.ca_file), limits)
        try:
            body = json.dumps(run.request).encode()
            wire.write(head("POST", url, {**self.fields(url, key, body), **run.headers}) + body, until_answered=True)
            return self.parts.response(wire)
        except BaseException:
            wire.close()
            raise

    def fields(self, url: SplitResult, key: str, body: bytes) -> dict[str, str]:
        return {
            "Host": url.netloc.rpartition("@")[2],
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "Accept": "text/event-stream, application/json",
            "Accept-Encoding": "gzip, deflate",
            "Cache-Control": "no-cache",
            "User-Agent": AGENT,
        }

    def accept(self, response: Response, run: Run) -> None:
        """Raises unless this is a 200 in the media type that was asked for."""
        wanted = "text/event-stream" if run.request.get("stream") else "application/json"
        if response.status == 200 and self.acceptable(response.media_type(), wanted):
            return
        try:
            response.wire.limits = response.wire.limits.at_most(self.ERROR_BODY)
            body = response.text()
        except BaseException:
            response.wire.close()
            raise
        self.pool.release(response, response.whole)
        raise self.refusal(response, body)

    def acceptable(self, media_type: str, wanted: str) -> bool:
        return media_type == wanted

    def refusal(self, response: Response, body: str) -> Failure:
        """What an HTTP response that is no answer says."""
        said: Failure | None = None
        with suppress(ValueError, RecursionError):
            said = error_in(json.loads(body))
        words = said.message if said else " ".join(body.split())[:500] or response.reason or "no body"
        if response.status != 200:
            return Failure("http", f"HTTP {response.status}: {words}", status=response.status, headers=response.headers)
        if said:
            return Failure("api", words, status=said.status)
        return Failure("parse", f"'{response.media_type()}' is not an event stream: {words}", status=200)

    # WebSocket

    def over_websocket(self, url: str, key: str, run: Run, answer: Answer, limits: Limits) -> Iterator[Piece]:
        channel = self.channel(url, key, run, limits)
        events = self.parts.events()
        answer.channel = channel
        try:
            channel.send(channel.TEXT, self.first_message(run))
            for message in channel.messages():
                if channel.answers and not answer.begun and left_over(message, run.dialect):
                    continue
                answer.begun = True
                yield from self.heard(self.spoken(message, run.dialect, events), answer, limits)
                if answer.over:
                    return
        except Failure as failure:
            if not (failure.kind == "closed" and answer.complete):
                raise
        finally:
            answer.channel = None
            if answer.over and not channel.parting:
                channel.answers += 1
                self.pool.give_back((url, key, run.ca_file), channel)
            else:
                channel.leave()

    def channel(self, url: str, key: str, run: Run, limits: Limits) -> WebSocket:
        """An open WebSocket: an idle one, or a new one."""
        while (idle := self.pool.take_idle((url, key, run.ca_file))) is not None:
            if isinstance(idle, WebSocket) and idle.settle():
                idle.wire.limits = limits
                return idle
        parsed = urlsplit(url)
        wire = self.parts.wire(Place.of(parsed, run.ca_file), limits)
        try:
            channel = self.parts.websocket(wire)
            response = channel.handshake(parsed, key, self.parts.response)
            if response.status != 101:
                wire.limits = limits.at_most(self.ERROR_BODY)
                failure = self.refusal(response, response.text())
                redirected = 300 <= response.status < 400
                raise Failure("redirect", failure.message, status=response.status) if redirected else failure
        except BaseException:
            wire.close()
            raise
        return channel

    def first_message(self, run: Run) -> bytes:
        typed = {} if run.dialect == "ws-chunk" else {"type": "chat.completion"}
        return json.dumps({**typed, **run.request}).encode()

    def spoken(self, message: bytes, dialect: str, events: EventStream) -> Iterator[Event]:
        """The events in one message of a dialect."""
        if dialect == "ws-sse-text" and not typed_message(message):
            return events.feed(message)
        try:
            text = message.decode()
        except UnicodeDecodeError:
            raise Failure("parse", "a binary message that is not text") from None
        return map(Event, messages_in(text.strip()))
