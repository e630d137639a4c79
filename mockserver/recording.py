"""Reading recorded streams from files, in whichever form they were kept."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

from mockserver.answers import Headers, Piece
from mockserver.author_errors import AuthorError, Mistake, nearest

Ended = Literal["end", "hang-up", "reset", "stall"]
"""How an upstream ended its answer: as its framing says, by FIN before that, by RST, or not at all."""

_HEAD = re.compile(rb"HTTP/[\d.]+ (\d{3})[^\r\n]*\r?\n((?:[^\r\n]+\r?\n)*)\r?\n")
_CHUNK = re.compile(rb"([0-9a-fA-F]+)[^\r\n]*\r\n")


@dataclass(frozen=True, slots=True)
class Stream:
    """One recorded response body, and what is known of where it came from.

    `source` is the file, with the line of it where it has one for each stream; `host` and `request` (the body that was asked
    with) are None where the recording does not tell. Header names in `headers` are in lower case; `fields` are all of them as
    they came. `pieces` are the body with its times, in seconds after the request was read, where these are known.
    """

    body: bytes
    source: str
    host: str | None = None
    request: Mapping[str, Any] | None = None
    status: int = 200
    headers: Mapping[str, str] | None = None
    fields: Headers = ()
    pieces: tuple[Piece, ...] = ()
    ended: Ended = "end"
    ended_at: float = 0.0


def read(path: Path) -> list[Stream]:
    """The streams of a file: a raw SSE body, the output of `curl -iN`, or a line of JSON for each response with the keys
    `host`, `request`, `status`, `content_type` and `body` (all but `body` optional). What `streamproof record` writes has
    `headers` (pairs), `pieces` (each with `at` and `text` or `base64`), `ended` and `ended_at` in place of `body`.

    Raises OSError, and AuthorError where a line is not such an object.
    """
    content = path.read_bytes()
    if content.startswith(b"HTTP/"):
        return [_dumped(content, str(path))]
    if content.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return list(_lines(content, str(path)))
    return [Stream(content, str(path))]


def _dumped(content: bytes, source: str) -> Stream:
    """`curl -i` writes every head it gets: interim answers, a proxy's, a redirect's; the last one is the answer's."""
    status: int = 200
    fields: Headers = ()
    while match := _HEAD.match(content):
        status = int(match[1])
        fields = tuple(_fields(match[2]))
        content = content[match.end() :]
    headers = _lower(fields)
    if headers.get("transfer-encoding", "").lower() == "chunked":
        content = _unchunked(content)
    return Stream(content, source, status=status, headers=headers, fields=fields)


def _fields(head: bytes) -> Iterator[tuple[str, str]]:
    for line in head.decode("latin-1").splitlines():
        name, colon, value = line.partition(":")
        if colon:
            yield name.strip(), value.strip()


def _lower(fields: Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in fields}


def _unchunked(body: bytes) -> bytes:
    """The body without its chunk heads, if they are there: with `--raw` curl leaves them in. A cut body is kept as far as it came."""
    parts: list[bytes] = []
    rest = body
    while match := _CHUNK.match(rest):
        size = int(match[1], 16)
        parts.append(rest[match.end() : match.end() + size])
        rest = rest[match.end() + size + 2 :]
        if size == 0:
            break
    return b"".join(parts) if parts else body


def _lines(content: bytes, source: str) -> Iterator[Stream]:
    for number, line in enumerate(content.decode("utf-8-sig", "replace").split("\n"), 1):
        if line.strip():
            yield _response(line, source, number)


def _response(line: str, source: str, number: int) -> Stream:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise AuthorError([Mistake(source, number, f"not JSON: {error}; wanted one response a line, or an SSE body")]) from None
    if isinstance(value, dict) and "pieces" in value:
        return _captured(value, source, number)
    if not isinstance(value, dict) or not isinstance(value.get("body"), str):
        raise AuthorError([Mistake(source, number, "no stream here: wanted an object with the response's text in 'body'")])
    request, host = value.get("request"), value.get("host")
    content_type = value.get("content_type")
    if isinstance(content_type, list):
        content_type = content_type[0] if content_type else None
    return Stream(
        value["body"].encode("utf-8", "replace"),
        f"{source}:{number}",
        host if isinstance(host, str) else None,
        request if isinstance(request, dict) else None,
        value["status"] if isinstance(value.get("status"), int) else 200,
        {"content-type": content_type} if isinstance(content_type, str) else None,
    )


def _captured(value: Mapping[str, Any], source: str, number: int) -> Stream:
    try:
        pieces = tuple(Piece(float(piece["at"]), _bytes(piece)) for piece in value["pieces"])
        fields = tuple((str(name), str(text)) for name, text in value.get("headers", ()))
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        wanted = "wanted headers as pairs, and pieces with 'at' and with 'text' or 'base64'"
        raise AuthorError([Mistake(source, number, f"not a capture: {type(error).__name__} {error}; {wanted}")]) from None
    ended = value.get("ended", "end")
    if ended not in get_args(Ended):
        message = f"ended: '{ended}', wanted one of {', '.join(get_args(Ended))}{nearest(str(ended), get_args(Ended))}"
        raise AuthorError([Mistake(source, number, message)])
    request = value.get("request")
    return Stream(
        b"".join(piece.data for piece in pieces),
        f"{source}:{number}",
        value.get("host"),
        request if isinstance(request, dict) else None,
        int(value.get("status", 200)),
        _lower(fields),
        fields,
        pieces,
        cast(Ended, ended),
        float(value.get("ended_at", pieces[-1].at if pieces else 0.0)),
    )


def _bytes(piece: Mapping[str, str]) -> bytes:
    """A piece is text where its bytes are UTF-8, else base64."""
    return piece["text"].encode() if "text" in piece else base64.b64decode(piece["base64"], validate=True)
