"""The control API below `/_mock/`: profiles, sessions, journals, metrics. It takes no turn and stands in no journal."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mockserver import api_errors, mock_errors
from mockserver.answers import ApiError, Plain
from mockserver.author_errors import AuthorError, Mistake
from mockserver.plan import plain_timeline
from mockserver.redis_line import StoreLost
from mockserver.session_options import SessionOptions, read_options
from mockserver.sessions import Session, UnknownSession
from mockserver.transports import http
from mockserver.transports.connection import Sent
from mockserver.transports.outside import reply, reply_json

if TYPE_CHECKING:
    from aiohttp import web

    from mockserver.profiles import Profile
    from mockserver.route import Route
    from mockserver.upstream import Counts, Upstream

SOURCE = "request body"
OPEN = frozenset({"ready"})
"""What may be asked without the token, for a probe has none."""
LOOK_AGAIN_SECONDS = 0.02
MAX_WAIT_SECONDS = 300.0


class Refused(Exception):
    """The call cannot be done; `error` says why."""

    def __init__(self, error: ApiError, **details: Any) -> None:
        super().__init__(error.message)
        self.error = error
        self.details = details


async def answer(upstream: Upstream, request: web.BaseRequest, route: Route) -> Sent:
    """Do what the path below `_mock/` names."""
    try:
        authorize(upstream, request, route.name)
        call, arguments = _found(request, route.name)
        if upstream.fleet is None and upstream.settings.workers > 1 and call not in OF_EACH_PROCESS:
            raise Refused(mock_errors.nothing_in_common(upstream.settings.workers))
        return await call(upstream, request, *arguments)
    except Refused as refused:
        return await _refuse(upstream, request, refused)
    except AuthorError as error:
        mistakes = [mistake.message for mistake in error.mistakes]
        return await _refuse(upstream, request, Refused(mock_errors.author_error(mistakes), mistakes=mistakes))
    except UnknownSession as error:
        return await _refuse(upstream, request, Refused(mock_errors.unknown_session(str(error))))
    except StoreLost as error:
        assert upstream.fleet is not None
        return await _refuse(upstream, request, Refused(upstream.fleet.lost(error)))


def authorize(upstream: Upstream, request: web.BaseRequest, path: str) -> None:
    """Control may be off, or for those only who know the token."""
    settings = upstream.settings
    if not settings.control:
        raise Refused(mock_errors.no_control())
    if settings.control_token is None or path in OPEN:
        return
    bearer = request.headers.get("Authorization", "")
    given = request.headers.get("X-Mock-Token") or (bearer[7:].strip() if bearer[:7].lower() == "bearer " else "")
    if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), settings.control_token.encode()):
        raise Refused(mock_errors.control_token_wanted(bool(given)))


async def _refuse(upstream: Upstream, request: web.BaseRequest, refused: Refused) -> Sent:
    error = refused.error
    body = {"message": error.message, "type": error.type, "param": error.param, "code": error.code, **refused.details}
    return await reply_json(upstream, request, {"error": body}, error.status, error.headers)


Call = Callable[..., Awaitable[Sent]]


def _found(request: web.BaseRequest, path: str) -> tuple[Call, tuple[str, ...]]:
    """The call for a method and a path, and the names in the path."""
    parts = tuple(path.split("/"))
    calls = {
        method: (call, tuple(part for part, name in zip(parts, names, strict=True) if name == "*"))
        for (method, names), call in CALLS.items()
        if len(parts) == len(names) and all(name in ("*", part) for part, name in zip(parts, names, strict=True))
    }
    if not calls:
        raise Refused(mock_errors.unknown_control(path, sorted({"/".join(names) for _, names in CALLS})))
    if request.method not in calls:
        raise Refused(api_errors.method_not_allowed(request.method, request.path, tuple(calls)))
    return calls[request.method]


async def list_profiles(upstream: Upstream, request: web.BaseRequest) -> Sent:
    """Those that load; `mistakes` says what is wrong with the others, if there are any."""
    profiles, mistakes = [], []
    for name in upstream.shelf.names():
        try:
            profiles.append(_profile(upstream.shelf.profile(name)))
        except AuthorError as error:
            mistakes += [str(mistake) for mistake in error.mistakes]
    return await reply_json(upstream, request, {"profiles": profiles, **({"mistakes": mistakes} if mistakes else {})})


async def show_profile(upstream: Upstream, request: web.BaseRequest, name: str) -> Sent:
    if not upstream.shelf.knows(name):
        raise Refused(mock_errors.unknown_profile(name, upstream.shelf.names()))
    profile = upstream.shelf.profile(name)
    script = profile.script
    more = {"why": profile.why, "sources": list(profile.sources), "turns": len(script.turns), "after": script.after}
    return await reply_json(upstream, request, {**_profile(profile), **more, "needs_port": profile.needs_port})


def _profile(profile: Profile) -> dict[str, Any]:
    return {"name": profile.name, "title": profile.title, "tags": list(profile.tags), "dialects": sorted(profile.dialects)}


async def list_sessions(upstream: Upstream, request: web.BaseRequest) -> Sent:
    sessions = upstream.sessions() if upstream.fleet is None else await upstream.fleet.sessions()
    shown = [described(session, request, await _counts(upstream, session, told=True)) for session in sessions]
    return await reply_json(upstream, request, {"sessions": shown})


async def open_session(upstream: Upstream, request: web.BaseRequest) -> Sent:
    asked = await _json(upstream, request)
    options = read_options(asked, upstream.shelf, SOURCE)
    try:
        session = upstream.open(options)
        await _placed(upstream, session)
    except OSError as error:
        raise Refused(mock_errors.no_port(str(error))) from None
    if upstream.fleet is not None:
        await upstream.fleet.opened(session, asked)
    return await reply_json(upstream, request, addresses(session, request), 201, (("location", f"/_mock/sessions/{session.key}"),))


async def _placed(upstream: Upstream, session: Session) -> None:
    """Put the session's network before it, or forget the session."""
    if session.network is None or upstream.networks is None:
        return
    from mockserver.transports.proxies import NoToxiproxy

    try:
        await asyncio.to_thread(upstream.networks.place, session)
    except NoToxiproxy as error:
        upstream.close(session)
        raise Refused(mock_errors.no_network(str(error))) from None
    except OSError:
        upstream.close(session)
        raise


async def show_session(upstream: Upstream, request: web.BaseRequest, key: str) -> Sent:
    session = await _session(upstream, key)
    return await reply_json(upstream, request, described(session, request, await _counts(upstream, session)))


async def _session(upstream: Upstream, key: str) -> Session:
    """A session, as all processes know it. Raises UnknownSession."""
    if upstream.fleet is not None:
        await upstream.fleet.visit(key)
    return upstream.find(key)


async def _counts(upstream: Upstream, session: Session, *, told: bool = False) -> Counts:
    return upstream.counts(session) if upstream.fleet is None else await upstream.fleet.counts(session, told=told)


async def close_session(upstream: Upstream, request: web.BaseRequest, key: str) -> Sent:
    session = await _session(upstream, key)
    if session is upstream.default:
        raise Refused(mock_errors.default_stays())
    if upstream.fleet is None:
        upstream.close(session)
    else:
        await upstream.fleet.closed(key)
    return await reply(upstream, request, plain_timeline(Plain(204)))


async def show_journal(upstream: Upstream, request: web.BaseRequest, key: str) -> Sent:
    session = await _session(upstream, key)
    journal = session.journal.to_json() if upstream.fleet is None else await upstream.fleet.journal(session)
    return await reply_json(upstream, request, journal)


async def wait_idle(upstream: Upstream, request: web.BaseRequest, key: str) -> Sent:
    """Wait until nothing of the session is under way, at most `timeout` seconds; whether that is so."""
    session = await _session(upstream, key)
    over = upstream.slots.now() + _timeout(request)
    while not (idle := session.journal.idle if upstream.fleet is None else await upstream.fleet.idle(key)):
        if upstream.slots.now() >= over:
            break
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
    return await reply_json(upstream, request, {"idle": idle})


def _timeout(request: web.BaseRequest) -> float:
    text = request.query.get("timeout", "10")
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MAX_WAIT_SECONDS:
        raise AuthorError([Mistake("query", 1, f"timeout: wanted seconds from 0 to {MAX_WAIT_SECONDS:g}, got {text!r}")])
    return seconds


async def break_session(upstream: Upstream, request: web.BaseRequest, key: str) -> Sent:
    """Break what runs now."""
    from mockserver.breaking import break_all, read_how

    session = await _session(upstream, key)
    how = read_how(await _json(upstream, request), SOURCE)
    broken = break_all(upstream, session, how) if upstream.fleet is None else await upstream.fleet.broken(session, how)
    return await reply_json(upstream, request, {"broken": broken, "how": how})


async def show_metrics(upstream: Upstream, request: web.BaseRequest) -> Sent:
    from mockserver.metrics import CONTENT_TYPE, exposition

    processes = [upstream.figures()] if upstream.fleet is None else await upstream.fleet.figures()
    return await reply(upstream, request, plain_timeline(Plain(200, body=exposition(processes), content_type=CONTENT_TYPE)))


async def show_load(upstream: Upstream, request: web.BaseRequest) -> Sent:
    """Without a watch, what the journals still hold."""
    from mockserver.load_report import to_json
    from mockserver.load_watch import seen

    loads = [seen(upstream)] if upstream.fleet is None else await upstream.fleet.loads()
    return await reply_json(upstream, request, to_json(sum(loads[1:], loads[0])))


async def begin_load_anew(upstream: Upstream, request: web.BaseRequest) -> Sent:
    """Measure from now on."""
    if upstream.load is None:
        raise Refused(mock_errors.load_is_not_watched())
    if upstream.fleet is None:
        upstream.load.restart()
    else:
        await upstream.fleet.begin_loads_anew()
    return await reply(upstream, request, plain_timeline(Plain(204)))


async def set_default(upstream: Upstream, request: web.BaseRequest) -> Sent:
    asked = await _json(upstream, request)
    options = read_options(asked, upstream.shelf, SOURCE)
    if options.own_port or options.network is not None:
        raise Refused(mock_errors.default_has_the_servers_port("own_port" if options.own_port else "network"))
    upstream.set_up(upstream.default, options)
    if upstream.fleet is not None:
        await upstream.fleet.opened(upstream.default, asked)
    return await reply_json(upstream, request, addresses(upstream.default, request))


async def reset(upstream: Upstream, request: web.BaseRequest) -> Sent:
    """Forget all sessions and begin the default one anew, as the server was started."""
    sessions = upstream.sessions() if upstream.fleet is None else await upstream.fleet.sessions()
    for session in sessions:
        if upstream.fleet is not None:
            await upstream.fleet.closed(session.key)
        elif session is not upstream.default:
            upstream.close(session)
    upstream.set_up(upstream.default, SessionOptions(upstream.settings.script, upstream.settings.profile))
    return await reply_json(upstream, request, {"closed": len(sessions) - 1})


async def ready(upstream: Upstream, request: web.BaseRequest) -> Sent:
    """Whether requests can be answered: 503 where the store is lost."""
    if upstream.fleet is not None:
        await upstream.fleet.check()
    return await reply_json(upstream, request, {"ready": True})


CALLS: dict[tuple[str, tuple[str, ...]], Call] = {
    ("GET", ("profiles",)): list_profiles,
    ("GET", ("profiles", "*")): show_profile,
    ("GET", ("sessions",)): list_sessions,
    ("POST", ("sessions",)): open_session,
    ("GET", ("sessions", "*")): show_session,
    ("DELETE", ("sessions", "*")): close_session,
    ("GET", ("sessions", "*", "journal")): show_journal,
    ("GET", ("sessions", "*", "idle")): wait_idle,
    ("POST", ("sessions", "*", "break")): break_session,
    ("PUT", ("default",)): set_default,
    ("POST", ("reset",)): reset,
    ("GET", ("metrics",)): show_metrics,
    ("GET", ("load",)): show_load,
    ("DELETE", ("load",)): begin_load_anew,
    ("GET", ("ready",)): ready,
}


OF_EACH_PROCESS = frozenset({list_profiles, show_profile, show_metrics, show_load, begin_load_anew, ready})
"""What a process can say that has nothing in common with the others."""


async def _json(upstream: Upstream, request: web.BaseRequest) -> Any:
    """The request's body; {} for none."""
    try:
        body = await http.read_body(request, upstream.settings.max_body)
    except http.Unreadable as error:
        raise Refused(error.api_error) from None
    try:
        return json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise Refused(api_errors.not_json()) from None


def addresses(session: Session, request: web.BaseRequest) -> dict[str, Any]:
    """Where to speak to a session, by the Host the caller used."""
    scheme = "https" if session.port and session.tls else request.scheme if not session.port else "http"
    port = session.network_port or session.port
    host = request.host if port is None else f"{_hostname(request.host)}:{port}"
    return located(session, scheme, host)


def located(session: Session, scheme: str, host: str) -> dict[str, Any]:
    """A session's key and URLs on a host."""
    root = f"{scheme}://{host}" + ("" if session.key == "default" else f"/s/{session.key}")
    where = {"key": session.key, "base_url": f"{root}/v1", "ws_url": f"{root.replace('http', 'ws', 1)}/v1/ws/chat"}
    return {**where, "ca_file": session.ca_file} if session.ca_file else where


def _hostname(host: str) -> str:
    """A Host field's value without its port (RFC 9110 §7.2)."""
    return host[: host.index("]") + 1] if host.startswith("[") else host.partition(":")[0]


def described(session: Session, request: web.BaseRequest, counts: Counts) -> dict[str, Any]:
    """A session as `GET /_mock/sessions/KEY` shows it."""
    return {
        **addresses(session, request),
        "profile": session.profile,
        "seed": session.seed,
        "flavour": session.flavour,
        "turns": len(session.script.turns),
        "after": session.script.after,
        "network": None if session.network is None else session.network.name or "its own",
        **asdict(counts),
    }
