"""One request answered: read, take a turn, plan, compile. Transports bring the bytes and play what comes out.

Requests of a turn without faults share one compiled plan if they are alike in what it was made from: only the identity (id,
created) differs, and it is put in when the plan is played.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from random import Random, SystemRandom
from typing import Any, NamedTuple

from mockserver import mock_errors, registry
from mockserver.answers import Answer, ApiError, Identity, Request
from mockserver.channels import DialectName
from mockserver.compile import Compiled, FramingName, Write, at_once, compile_timeline, template
from mockserver.dialects._dialect import Dialect
from mockserver.flavours._flavour import Flavour
from mockserver.noted import Noted
from mockserver.plan import Plan, Setting, plan
from mockserver.sessions import Session
from mockserver.settings import Settings
from mockserver.turns import HEALTHY, Turn

EPOCH = 1_700_000_000
"""`created` of every seeded answer."""

CACHED_PLANS = 256
CACHED_BYTES = 32 * 1024 * 1024
"""So many bytes of requests, and so many of plans and what they were asked."""
MAX_WAYS = 8
"""A turn's plans are made from this key of the request or that; so many sets of keys are told apart."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan ready to be played, `slug` being the bytes of the identity `stand_in` in its template (empty: the plan is whole as it
    is). `at_once` is all that is written, where nothing has to be waited for (see `compile.at_once`)."""

    plan: Plan
    compiled: Compiled
    cancelled: Compiled
    request: Request
    turn: Turn
    slug: bytes = b""
    stand_in: Identity = Identity("")
    at_once: tuple[Write, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of the request and the answer."""
        written = sum(len(segment) for act in self.compiled.acts if isinstance(act, Write) for segment in act.segments)
        return self.request.size + written


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it was read: itself or why it is refused, and the profile its model named."""

    request: Request | ApiError
    profile: str | None = None


class Call(NamedTuple):
    """A request that has taken its turn, and the channel it came by. `turn` None: the script is over.

    `answer` is given by a limit or a rule in place of what the turn would say. `http10`: the client cannot read chunks.
    `deflate`: the window bits of permessage-deflate, 0 if it was not agreed on. `lane`: the request's `stream_id`.
    `whole`: the plan is to hold its own identity (in `Prepared.stand_in`), for more is done with it than to play it.
    """

    request: Request
    session: Session
    number: int
    turn: Turn | None
    dialect: DialectName
    answer: Answer | None = None
    http10: bool = False
    deflate: int = 0
    lane: str | None = None
    whole: bool = False


class Exchange:
    """Plans answers for one server; holds nothing but caches."""

    def __init__(self, settings: Settings, is_profile: Callable[[str], bool]) -> None:
        self.settings = settings
        self._is_profile = is_profile
        self._asked: OrderedDict[tuple[bytes | str, bool, Hashable], Asked] = OrderedDict()
        self._asked_bytes = 0
        self._plans: OrderedDict[Hashable, Prepared] = OrderedDict()
        self._plan_bytes = 0
        self._ways: OrderedDict[Hashable, tuple[tuple[str, ...], ...]] = OrderedDict()
        self._secret = SystemRandom().getrandbits(128)
        self._random = Random(SystemRandom().getrandbits(128))

    def flavour(self, session: Session) -> Flavour:
        return flavour(session.flavour or self.settings.flavour)

    def read(self, data: bytes, *, strict: bool, deployment: str | None = None) -> Asked:
        """Parse and check a request body; equal bodies are read once."""
        key = (data, strict, deployment)
        asked = self._asked.get(key)
        if asked is None:
            asked = self._read(data, strict, deployment)
            self._keep_asked(key, asked)
        return asked

    def check(self, text: str, body: Mapping[str, Any], *, strict: bool, source: Hashable) -> Asked:
        """A request that came in a message of another form than the body's. Equal texts from one `source` are checked once."""
        key = (text, strict, source)
        asked = self._asked.get(key)
        if asked is None:
            from mockserver.validation import check_request

            error = check_request(body, strict=strict)
            asked = Asked(error) if error is not None else self.understand(body, len(text))
            self._keep_asked(key, asked)
        return asked

    def _read(self, data: bytes, strict: bool, deployment: str | None) -> Asked:
        from mockserver.validation import read_request

        if deployment is not None:
            data = _with_model(data, deployment)
        body = read_request(data, strict=strict)
        return Asked(body) if isinstance(body, ApiError) else self.understand(body, len(data))

    def understand(self, body: Any, size: int = 0) -> Asked:
        """A checked body of so many bytes as a request: `model@profile` is taken apart only before a known profile's name."""
        model: str = body["model"]
        name, at, profile = model.rpartition("@")
        if at and name and self._is_profile(profile):
            return Asked(self._known_model(Request(body, name, size)), profile)
        return Asked(self._known_model(Request(body, model, size)))

    def _known_model(self, request: Request) -> Request | ApiError:
        if self.settings.models and request.model not in self.settings.models:
            from mockserver import api_errors

            return api_errors.model_not_found(request.model)
        return request

    def _keep_asked(self, key: tuple[bytes | str, bool, Hashable], asked: Asked) -> None:
        self._asked[key] = asked
        self._asked_bytes += len(key[0])
        while self._asked_bytes > CACHED_BYTES or len(self._asked) > CACHED_PLANS:
            (old, _, _), _ = self._asked.popitem(last=False)
            self._asked_bytes -= len(old)

    def prepare(self, call: Call) -> Prepared:
        """The plan for one call."""
        turn = call.turn
        if turn is None:
            spent = mock_errors.script_exhausted(len(call.session.script.turns), call.number + 1)
            call = call._replace(answer=spent, turn=HEALTHY)
        elif call.answer is None and self.keeps(call, turn):
            return self._kept(call)
        return self._compiled(call, self.identity(call.request, call.session, call.number))

    def keeps(self, call: Call, turn: Turn) -> bool:
        """Whether the plan serves the next equal request too. A compressed message hides the identity, a lane is not in the request,
        and each answer's jitter is its own."""
        pace = turn.pace or call.session.pace or self.settings.pace
        alone = (
            pace.jitter
            or call.deflate
            or call.lane is not None
            or call.whole
            or call.request.body.get("store")
            or self.settings.chaos
            or self.settings.rules is not None
        )
        return turn.plain and not alone

    def _kept(self, call: Call) -> Prepared:
        prepared = self.known(call)
        if prepared is not None:
            return prepared
        body = Noted(call.request.body)
        prepared = self._template(call._replace(request=Request(body, call.request.model, call.request.size)))
        if prepared is None:
            return self._compiled(call, self.identity(call.request, call.session, call.number))
        prepared = replace(prepared, request=call.request)
        self._keep(call, prepared, ("messages",) if body.whole else tuple(sorted(body.seen)))
        return prepared

    def known(self, call: Call) -> Prepared | None:
        """The plan of an earlier call that serves this one too, if there is one."""
        place = _place(call)
        for seen in self._ways.get(place, ()):
            prepared = self._plans.get((place, seen, _likeness(call.request, seen)))
            if prepared is not None:
                return prepared
        return None

    def _keep(self, call: Call, prepared: Prepared, seen: tuple[str, ...]) -> None:
        """Keep a plan that was made from these keys of its request."""
        place = _place(call)
        ways = self._ways.get(place, ())
        if seen not in ways:
            self._ways[place] = (seen, *ways[: MAX_WAYS - 1])
            if len(self._ways) > CACHED_PLANS:
                self._ways.popitem(last=False)
        key = (place, seen, _likeness(call.request, seen))
        forgotten = self._plans.pop(key, None)  # its way was forgotten before it
        self._plans[key] = prepared
        self._plan_bytes += prepared.size - (forgotten.size if forgotten else 0)
        while self._plan_bytes > CACHED_BYTES or len(self._plans) > CACHED_PLANS:
            self._plan_bytes -= self._plans.popitem(last=False)[1].size

    def identity(self, request: Request, session: Session, number: int) -> Identity:
        """The id and time of an answer: from the seed where there is one, else random and now."""
        seed = self.seed(request, session)
        speaker = self.flavour(session)
        if seed is None:
            return speaker.identity(self._random, int(time.time()))
        return speaker.identity(Random(f"{seed}/{number}/identity"), EPOCH)

    def seed(self, request: Request, session: Session) -> int | None:
        """The session's, else the server's, else the request's own."""
        if session.seed is not None:
            return session.seed
        return self.settings.seed if self.settings.seed is not None else request.seed

    def _compiled(self, call: Call, identity: Identity) -> Prepared:
        turn = self.turn(call)
        planned = plan(call.answer or self.answer(call.request, call.session, turn), turn, self.setting(call, identity))
        framing: FramingName = "websocket" if call.dialect.startswith("ws") else "http"
        return Prepared(
            planned,
            compile_timeline(planned.timeline, framing, http10=call.http10, deflate=call.deflate),
            compile_timeline(planned.cancelled, framing, deflate=call.deflate),
            call.request,
            turn,
            stand_in=identity,
        )

    def turn(self, call: Call) -> Turn:
        """The turn with what chaos adds to it: drawn by the seed where there is one, else by the server's secret."""
        turn = call.turn or HEALTHY
        if self.settings.chaos:
            seed = self.seed(call.request, call.session)
            source = f"{self._secret}/{call.session.key}" if seed is None else seed
            for index, chaos in enumerate(self.settings.chaos):
                if Random(f"{source}/{call.number}/chaos/{index}").random() < chaos.chance:
                    turn = chaos.added_to(turn)
        return turn

    def setting(self, call: Call, identity: Identity) -> Setting:
        speaker = self.flavour(call.session)
        seed = self.seed(call.request, call.session)
        return Setting(
            request=call.request,
            flavour=speaker,
            dialect=find_dialect(call.dialect),
            identity=identity,
            headers=speaker.headers(call.request),
            pace=call.session.pace or self.settings.pace,
            seed=self._secret if seed is None else seed,
            number=call.number,
            lane=call.lane,
            now=time.time(),
            other_origin=call.session.other_origin,
        )

    def _template(self, call: Call) -> Prepared | None:
        """The call's plan with the identity's place left open; None where it cannot be taken out of the bytes."""
        # A stand-in of the same form and length that nothing a client says can contain.
        stand_in = self.flavour(call.session).identity(Random(self._secret), EPOCH + self._secret % 99_999_999)
        whole = self._compiled(call, stand_in)
        slug = slug_of(whole.compiled, stand_in)
        compiled = template(whole.compiled, slug) if slug else whole.compiled
        if _mentions(compiled, stand_in):
            return None
        return replace(whole, compiled=compiled, slug=slug, stand_in=stand_in, at_once=at_once(compiled))

    def slug(self, prepared: Prepared, call: Call) -> bytes:
        """The bytes of this call's own identity, to be put into the plan's template."""
        if not prepared.slug:
            return b""
        own = self.identity(call.request, call.session, call.number)
        return filled(prepared.slug, prepared.stand_in, own)

    def answer(self, request: Request, session: Session, turn: Turn) -> Answer:
        """What the model says: the turn's script, else a generated text."""
        from mockserver.model import reply

        seed = self.seed(request, session) or 0
        if turn.answer is None:
            return reply.answer(request, seed=seed, mode=self.settings.mode)
        if "replay" in turn.answer:
            from mockserver.replay import capture

            return capture(turn.answer["replay"], turn.answer.get("line"))
        return reply.scripted(turn.answer, request, seed=seed)


def _place(call: Call) -> Hashable:
    """What a plan depends on beside its request. A plan that is kept keeps its turn, so that no other has its id."""
    session = call.session
    return (id(call.turn), call.dialect, session.flavour, session.pace, session.seed, call.http10)


def _likeness(request: Request, seen: tuple[str, ...]) -> Hashable:
    """The same for requests that are alike in these keys. What was said to the model is not looked through: two requests are
    alike in that if they are one (equal bodies are read once)."""
    if "messages" in seen:
        return id(request)
    return (request.model, *[repr(request.body.get(key)) for key in seen])


def _mentions(compiled: Compiled, identity: Identity) -> bool:
    """Whether the identity still stands somewhere in the constant parts."""
    name, created = identity.id.encode(), str(identity.created).encode()
    return any(name in part or created in part for act in compiled.acts if isinstance(act, Write) for part in act.segments)


def slug_of(compiled: Compiled, identity: Identity) -> bytes:
    """The shortest run of bytes that holds the id and `created` side by side, as they stand in the first frame that says
    them; the id alone where `created` is not said."""
    name, created = identity.id.encode(), b'"created":%d' % identity.created
    data = next((act.segments[0] for act in compiled.acts if isinstance(act, Write) and name in act.segments[0]), b"")
    at, when = data.find(name), data.find(created)
    if not data or when < 0:
        return name if data else b""
    slug = data[min(at, when) : max(at + len(name), when + len(created))]
    return b"" if b"\n" in slug else slug


def filled(slug: bytes, stand_in: Identity, identity: Identity) -> bytes:
    """The slug of another identity."""
    return slug.replace(stand_in.id.encode(), identity.id.encode()).replace(
        b'"created":%d' % stand_in.created, b'"created":%d' % identity.created
    )


def flavour(name: str) -> Flavour:
    found: Flavour = registry.find("mockserver.flavours", name)()
    return found


def find_dialect(name: DialectName) -> Dialect:
    found: Dialect = registry.find("mockserver.dialects", name)()
    return found


def _with_model(data: bytes, deployment: str) -> bytes:
    """Azure takes the model from the path; a body without one gets it."""
    import json

    try:
        body = json.loads(data)
    except ValueError:
        return data
    if not isinstance(body, dict) or body.get("model"):
        return data
    return json.dumps({"model": deployment, **body}).encode()
