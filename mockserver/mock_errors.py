"""The errors that only a mock has, in the same form as the API's own."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from mockserver.answers import ApiError


def unknown_profile(name: str, known: Sequence[str]) -> ApiError:
    near = get_close_matches(name, known, 3)
    hint = f" Did you mean {' or '.join(near)}?" if near else " `streamproof profiles` lists them."
    return ApiError(404, f"There is no fault profile '{name}'.{hint}", code="mock_unknown_profile")


def unknown_session(message: str) -> ApiError:
    return ApiError(404, f"{message[:1].upper()}{message[1:]}.", code="mock_unknown_session")


def profile_inside_session(param: str) -> ApiError:
    """`param` is what named the profile: the header field or the model."""
    message = f"A profile in {param} has no meaning inside /s/: the session has its own script."
    return ApiError(400, message, param=param, code="mock_profile_in_session")


def two_profiles(param: str, named: str, other: str) -> ApiError:
    """`param` names the profile `named`; the path or the field before it names the `other`."""
    return ApiError(400, f"Two profiles are named: '{other}', and '{named}' in {param}.", param=param, code="mock_two_profiles")


def script_exhausted(turns: int, request: int) -> ApiError:
    message = f"The script of this session is over: it has {turns} turn{'s' * (turns != 1)} and this was request {request}."
    return ApiError(500, message, "server_error", code="mock_script_exhausted")


def other_api(name: str) -> ApiError:
    message = f"This mock speaks chat completions (POST /v1/chat/completions, WS /v1/ws/chat) and /v1/models, not /v1/{name}."
    return ApiError(404, message, code="mock_other_api")


def bad_request(message: str) -> ApiError:
    """What never became an HTTP request."""
    return ApiError(400, f"This is not an HTTP/1.1 request: {_in_one_line(message)}", code="mock_bad_request")


def bad_body(reason: str) -> ApiError:
    """The body of a request is not what its fields announced: broken chunks, or not compressed as they say."""
    return ApiError(400, f"The request body could not be read: {_in_one_line(reason)}", code="mock_bad_body")


def _in_one_line(text: str) -> str:
    """A parser shows below its message what it means, with an arrow at it."""
    return " ".join(text.removesuffix("^").split())


def wrong_dialect(profile: str, dialect: str, dialects: Sequence[str]) -> ApiError:
    message = f"The profile '{profile}' has no meaning over {dialect}; it has one over {', '.join(dialects) or 'none'}."
    return ApiError(501, message, "not_implemented_error", code="mock_wrong_dialect")


def behind_a_network(profile: str) -> ApiError:
    message = (
        f"The profile '{profile}' is a network, and this request came over none: "
        f'POST /_mock/sessions with {{"profile": "{profile}"}} answers with a base_url behind it.'
    )
    return ApiError(501, message, "not_implemented_error", code="mock_behind_a_network")


def author_error(mistakes: Sequence[str]) -> ApiError:
    """What somebody wrote cannot be used; every mistake is named."""
    return ApiError(400, "\n".join(mistakes), code="mock_author_error")


def no_control() -> ApiError:
    return ApiError(404, "The control API of this server is off (--no-control).", code="mock_control_off")


def control_token_wanted(given: bool) -> ApiError:
    what = "This is not the control token" if given else "The control API wants a token"
    message = f"{what}: send the one that was printed at the start as `Authorization: Bearer TOKEN` or `X-Mock-Token: TOKEN`."
    return ApiError(401, message, code="mock_control_token", headers=(("www-authenticate", "Bearer"),))


def unknown_control(path: str, known: Sequence[str]) -> ApiError:
    near = get_close_matches(path, known, 1)
    hint = f"did you mean /_mock/{near[0]}?" if near else f"it knows {', '.join(known)}."
    return ApiError(404, f"The control API has no /_mock/{path}; {hint}", code="mock_unknown_control")


def no_port(reason: str) -> ApiError:
    return ApiError(503, f"No port could be opened for the session: {reason}", "server_error", code="mock_no_port")


def store_lost(address: str, reason: str) -> ApiError:
    message = (
        f"The store {address}, where the sessions, turns and limits of this mock are kept, does not answer ({reason}). "
        "Start it, or see that it can be reached; requests are answered again as soon as it is there."
    )
    return ApiError(503, message, "server_error", code="mock_store_lost", headers=(("retry-after", "1"),))


def session_elsewhere(key: str, port: int | None) -> ApiError:
    """421 (RFC 9110 §15.5.20): another process has the connections of this session."""
    message = f"The session '{key}' has a port of its own in another process: speak to it on port {port} of the machine that opened it."
    return ApiError(421, message, code="mock_session_elsewhere")


def nothing_in_common(workers: int) -> ApiError:
    message = (
        f"This mock runs in {workers} processes that have nothing in common (--store memory), so what one of them would say of sessions "
        "is not what the next one says. Start it with --store redis://HOST:PORT, or with one worker."
    )
    return ApiError(409, message, code="mock_nothing_in_common")


def default_stays() -> ApiError:
    return ApiError(400, "The default session cannot be closed; `PUT /_mock/default` gives it another script.", code="mock_default_stays")


def no_network(reason: str) -> ApiError:
    return ApiError(501, f"There is no network to put before the session: {reason}", "server_error", code="mock_no_network")


def load_is_not_watched() -> ApiError:
    message = "Only a load that is watched can begin anew: start the server with --report FILE."
    return ApiError(409, message, code="mock_load_not_watched")


def default_has_the_servers_port(asked: str) -> ApiError:
    return ApiError(400, f"The default session has the server's port: {asked} is for sessions.", param=asked, code="mock_author_error")


def not_stored(name: str) -> ApiError:
    """What the API says of a completion it does not know."""
    return ApiError(404, f"Chat completion with id {name} not found.", param="completion_id", code="not_found")
