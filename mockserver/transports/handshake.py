"""The opening handshake of a WebSocket (RFC 6455 §4.2): who may connect, what the URL asks for, and what a turn may say to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import hdrs, web
from aiohttp.http_websocket import ws_ext_gen

from mockserver import api_errors
from mockserver.answers import ApiError, Identity, Plain, Request
from mockserver.author_errors import nearest
from mockserver.channels import WEBSOCKET, DialectName
from mockserver.client_message import DEFAULT_MODEL
from mockserver.dialects.json import Json
from mockserver.exchange import Call
from mockserver.flavours._flavour import Flavour
from mockserver.plan import Plan, handshake_answer, plain_timeline, reactions_of
from mockserver.reactions import Reactions
from mockserver.route import Route
from mockserver.sessions import Session
from mockserver.steps import Timeline
from mockserver.transports import http
from mockserver.transports.connection import Sent
from mockserver.upstream import Upstream

STUB: Mapping[str, Any] = {"model": "", "messages": ()}


@dataclass(frozen=True, slots=True)
class Handshake:
    """What the URL and the fields of a handshake ask for. `dialect` None: the first request tells it; `model` is the URL's."""

    session: Session
    dialect: DialectName | None
    model: str | None
    path_session: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """A handshake that is answered with an error and takes no turn."""

    session: Session
    error: ApiError


def read_handshake(upstream: Upstream, request: web.BaseRequest, route: Route) -> Handshake | Refused:
    """What a handshake asks for, or why it is refused."""
    session = upstream.session_of(request, route)
    if isinstance(session, ApiError):
        return Refused(upstream.default, session)
    if request.method != "GET":
        return Refused(session, api_errors.method_not_allowed(request.method, request.path, ("GET",)))
    if request.headers.get("Upgrade", "").strip().lower() != "websocket":
        return Refused(session, api_errors.upgrade_required(request.path))
    error = upstream.admit(session, request, query=True, keyless=True) or _bad_handshake(request)
    if error is not None:
        return Refused(session, error)
    wanted = request.query.get("dialect")
    dialect = next((name for name in WEBSOCKET if name == wanted), session.dialect)
    if wanted is not None and wanted not in WEBSOCKET:
        return Refused(session, _unknown_dialect(wanted))
    if (error := _meaningless(upstream, session, dialect)) is not None:
        return Refused(session, error)
    return Handshake(session, dialect, request.query.get("model") or None, route.session is not None)


def _bad_handshake(request: web.BaseRequest) -> ApiError | None:
    """RFC 6455 §4.2.1 and §4.4: what aiohttp would not take."""
    if request.headers.get("Sec-WebSocket-Version", "") not in ("13", "8", "7"):
        message = "This server speaks version 13 of the WebSocket protocol."
        return ApiError(426, message, code="upgrade_required", headers=(("Sec-WebSocket-Version", "13"),))
    if not Handshaker(Reactions(), request.headers.get("Sec-WebSocket-Protocol", "")).can_prepare(request):
        return ApiError(400, "This is not a WebSocket handshake: see RFC 6455, section 4.2.1.", code="bad_handshake")
    return None


def _unknown_dialect(name: str) -> ApiError:
    known = sorted(WEBSOCKET)
    message = f"There is no WebSocket dialect '{name}'; known: {', '.join(known)}{nearest(name, known)}"
    return ApiError(400, message, param="dialect", code="mock_unknown_dialect")


def _meaningless(upstream: Upstream, session: Session, dialect: DialectName | None) -> ApiError | None:
    """Whether the session's profile has no meaning in this dialect, or (None) in any of a WebSocket."""
    errors = [upstream.wrong_dialect(session, name) for name in ((dialect,) if dialect else sorted(WEBSOCKET))]
    return errors[0] if all(errors) else None


def first_call(session: Session, handshake: Handshake) -> Call:
    """The call that the first message would be, as far as it is known before there is one."""
    return Call(Request(STUB, handshake.model or DEFAULT_MODEL), session, session.taken, session.peek(), handshake.dialect or "ws-chunk")


async def turned_away(upstream: Upstream, asked: Handshake) -> ApiError | Plain | None:
    """What the session's next turn says to the handshake itself. It takes the turn then."""
    session = asked.session
    while (said := _said(upstream, asked)) is not None:
        if upstream.fleet is None or await upstream.fleet.claimed(session, session.taken):
            session.take()
            return said
    return None


def _said(upstream: Upstream, asked: Handshake) -> ApiError | Plain | None:
    exchange = upstream.exchange
    call = first_call(asked.session, asked)
    if call.turn is None:
        return None
    turn = exchange.turn(call)
    return handshake_answer(turn, exchange.setting(call, Identity(""))) if turn.faults or turn.door.error else None


async def answer_by_http(
    upstream: Upstream, request: web.BaseRequest, session: Session, said: ApiError | Plain, received_at: float
) -> Sent:
    """Answer the handshake with what took the turn."""
    timeline = _by_http(said, upstream.exchange.flavour(session))
    entry = upstream.enter(session, request, received_at)
    entry.turn, entry.plan = session.taken - 1, Plan(said, timeline, Reactions())
    return await http.tell(upstream, request, session, entry, timeline)


def _by_http(said: ApiError | Plain, flavour: Flavour) -> Timeline:
    return plain_timeline(said) if isinstance(said, Plain) else Json().refuse(said, flavour, flavour.headers(Request(STUB, "")))


class Handshaker(web.WebSocketResponse):
    """aiohttp's handshake and reader. Messages are always compressed by themselves, and the client is told so."""

    def __init__(self, reactions: Reactions, offered: str) -> None:
        """`offered` are the client's subprotocols: a browser fails a connection for which none of them is chosen."""
        self.reactions = reactions
        protocols = [name.strip() for name in offered.split(",") if name.strip()]
        super().__init__(
            autoping=False,
            autoclose=False,
            protocols=[name for name in protocols if "." not in name] or protocols,
            compress=reactions.compress,
            max_msg_size=reactions.max_message + 1,
        )

    def _handshake(self, request: web.BaseRequest) -> Any:
        headers, protocol, window_bits, _ = super()._handshake(request)
        if window_bits:
            headers[hdrs.SEC_WEBSOCKET_EXTENSIONS] = ws_ext_gen(window_bits, isserver=True, server_notakeover=True)
        for name, value in self.reactions.upgrade:
            headers.popall(name, None)
            if value is not None:
                headers[name] = value
        return headers, protocol, window_bits, True

    @property
    def head_size(self) -> int:
        """Bytes of the response that aiohttp has written."""
        return 0 if self._payload_writer is None else self._payload_writer.output_size

    @property
    def reader(self) -> Any:
        """Where the client's frames come from: messages, pings, pongs and close frames."""
        return self._reader


def reactions_at_first(upstream: Upstream, asked: Handshake) -> Reactions:
    """How the server reacts until the first request has taken its turn."""
    call = first_call(asked.session, asked)
    turn = upstream.exchange.turn(call)
    return reactions_of(turn, upstream.exchange.setting(call, Identity(""))) if turn.faults else Reactions()
