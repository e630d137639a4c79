"""What both reference clients must do, row by row: bytes of a raw-socket upstream on one side, lines of the adapter on the other."""

from __future__ import annotations

import gzip
import json
import os
import ssl
import subprocess
import threading
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from email.utils import formatdate
from itertools import count
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import jsonschema
import pytest
import trustme

from tests.scripted_upstream import (
    ANSWER,
    HELLO,
    LAST,
    SSE_HEAD,
    WHOLE,
    Act,
    Upstream,
    chunk,
    chunked,
    close,
    closed,
    closing,
    data,
    failing,
    flood,
    frame,
    frame_read,
    gone,
    http,
    one_by_one,
    reset,
    texts,
    upgrade,
)

ROOT = Path(__file__).parent.parent
SCHEMA = json.loads((ROOT / "schemas/adapter.schema.json").read_text())
Lines = list[dict[str, Any]]


def direction(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]})


FROM, TO = direction("from_adapter"), direction("to_adapter")
ids = count(1)
key = "sk-secret-0123456789"


class Adapter:
    """An adapter in session mode. Every line is checked against the schema, in both directions."""

    def __init__(self, command: Sequence[str]) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.lines: Lines = []
        self.news = threading.Condition()
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()
        self.say({"type": "hello", "protocol": 1})

    def listen(self) -> None:
        assert self.process.stdout
        for text in self.process.stdout:
            line = json.loads(text)
            with self.news:
                self.lines.append({**line, "at": time.monotonic(), "wrong": [error.message for error in FROM.iter_errors(line)]})
                self.news.notify_all()

    def say(self, line: dict[str, Any]) -> None:
        TO.validate(line)
        assert self.process.stdin
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()

    def start(self, upstream: Upstream, transport: str = "sse", **controls: Any) -> str:
        run = f"r{next(ids)}"
        request = controls.pop("request", {})
        where: dict[str, Any] = {"base_url": upstream.base_url}
        if transport != "sse":
            where = {"ws_url": f"{upstream.ws_url}?dialect={transport}", "dialect": transport}
        body = {"model": "m", "messages": [{"role": "user", "content": "q"}], "stream": True, **request}
        name = "sse" if transport == "sse" else "ws"
        self.say({"type": "run", "run": run, "transport": name, "api_key": key, "request": body, **where, **controls})
        return run

    def finish(self, run: str) -> Lines:
        """All lines of a run, the result last."""
        with self.news:
            done = self.news.wait_for(lambda: any(x["type"] == "result" and x["run"] == run for x in self.lines), 15)
        lines = [line for line in self.lines if line.get("run") == run]
        assert done, f"no result; so far {lines}"
        assert [line["wrong"] for line in lines] == [[]] * len(lines)
        assert [line["type"] for line in lines].count("result") == 1
        assert lines[-1]["type"] == "result"
        return lines

    def ask(self, upstream: Upstream, transport: str = "sse", **controls: Any) -> dict[str, Any]:
        """The result of one run; the deltas must add up to its text."""
        lines = self.finish(self.start(upstream, transport, **controls))
        assert said(lines) == lines[-1]["text"]
        return lines[-1]

    def bye(self) -> int:
        self.say({"type": "bye"})
        return self.end()

    def end(self) -> int:
        """The exit code, once the adapter has gone by itself."""
        try:
            return self.process.wait(10)
        finally:
            self.process.kill()
            self.listener.join()
            for pipe in (self.process.stdin, self.process.stdout):
                assert pipe
                pipe.close()


def said(lines: Lines, index: int = 0) -> str:
    return "".join(line["text"] for line in lines if line["type"] == "delta" and line.get("index", 0) == index)


@contextmanager
def upstream(*scripts: Sequence[Act], **more: Any) -> Iterator[Upstream]:
    server = Upstream(scripts, **more)
    yield server
    server.close()


@contextmanager
def upstreams(scripts: Mapping[Any, Sequence[Sequence[Act]]]) -> Iterator[dict[Any, Upstream]]:
    """Several at once, so that waiting is done side by side."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(upstream(*script)) for name, script in scripts.items()}


def eventually(condition: Any) -> None:
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until, "it never came about"
        time.sleep(0.005)


def left(server: Upstream) -> None:
    """Every connection was closed by the client."""
    eventually(lambda: all(peer.left for peer in server.peers))


OK = {"outcome": "ok", "text": "Hello", "finish_reason": "stop"}
CUT = {"outcome": "error", "text": "Hel"}
HEL = SSE_HEAD + chunked(data(chunk("Hel")))


def body(*bodies: Any) -> list[Act]:
    return [SSE_HEAD + chunked(data(*bodies)) + LAST]


def stream(content: bytes) -> list[Act]:
    return [SSE_HEAD + chunked(content) + LAST]


error = {"message": "the key is bad", "type": "invalid_request_error", "code": "401"}
zipped = gzip.compress(WHOLE)
half = b'{"id":"chatcmpl-abc123","object":"chat.completion.chunk"'

READS: dict[str, tuple[list[Act], dict[str, Any]]] = {
    # Framing
    "whole": ([ANSWER], OK),
    "byte by byte": ([one_by_one(ANSWER)], OK),
    "a chunk per byte": ([SSE_HEAD + chunked(*(WHOLE[i : i + 1] for i in range(len(WHOLE)))) + LAST], OK),
    "extensions, upper case and trailers": (
        [SSE_HEAD + b'%X;a="b"\r\n%s\r\n0;end\r\nX-Sum: 1\r\n\r\n' % (len(WHOLE), WHOLE)],
        OK,
    ),
    "content-length": ([http("200 OK", WHOLE, "content-type: text/event-stream")], OK),
    "until close": ([b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + WHOLE, close], OK),
    "http/1.0": ([b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + WHOLE, close], OK),
    "1xx first": ([b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + ANSWER], OK),
    "gzip": ([http("200 OK", zipped, "Content-Type: text/event-stream", "Content-Encoding: gzip")], OK),
    "gzip byte by byte": ([one_by_one(http("200 OK", zipped, "Content-Type: text/event-stream", "Content-Encoding: gzip"))], OK),
    "gzip cut": (
        [SSE_HEAD[:-2] + b"Content-Encoding: gzip\r\n\r\n" + chunked(gzip.compress(data(*HELLO[:3]))[:-9]) + LAST],
        {"outcome": "error", "kind": "truncated"},
    ),
    "x-gzip": ([http("200 OK", zipped, "Content-Type: text/event-stream", "Content-Encoding: X-GZip")], OK),
    "deflate": ([http("200 OK", zlib.compress(WHOLE), "Content-Type: text/event-stream", "Content-Encoding: deflate")], OK),
    "deflate byte by byte": (
        [one_by_one(http("200 OK", zlib.compress(WHOLE), "Content-Type: text/event-stream", "Content-Encoding: deflate"))],
        OK,
    ),
    "deflate in no format": (
        [http("200 OK", zlib.compress(WHOLE, wbits=-15), "Content-Type: text/event-stream", "Content-Encoding: deflate")],
        OK,
    ),
    "deflate cut": (
        [SSE_HEAD[:-2] + b"Content-Encoding: deflate\r\n\r\n" + chunked(zlib.compress(data(*HELLO[:3]))[:-5]) + LAST],
        {"outcome": "error", "kind": "truncated"},
    ),
    "one coding around the other": (
        [http("200 OK", gzip.compress(zlib.compress(WHOLE)), "Content-Type: text/event-stream", "Content-Encoding: deflate, gzip")],
        OK,
    ),
    "a coding that is none": (
        [http("200 OK", WHOLE, "Content-Type: text/event-stream", "Content-Encoding: gzip")],
        {"outcome": "error", "kind": "parse", "text": ""},
    ),
    "a coded body of nothing": (
        [http("200 OK", b"", "Content-Type: text/event-stream", "Content-Encoding: gzip")],
        {"outcome": "error", "kind": "truncated"},
    ),
    "a coding around an unknown one": (
        [http("200 OK", zipped, "Content-Type: text/event-stream", "Content-Encoding: br, gzip")],
        {"outcome": "error", "text": ""},
    ),
    "an unknown coding": ([http("200 OK", WHOLE, "Content-Type: text/event-stream", "Content-Encoding: br")], {"outcome": "error"}),
    "content type with parameters": ([http("200 OK", WHOLE, "Content-Type: Text/Event-Stream;charset=latin-1;")], OK),
    # text/event-stream
    "CRLF": (stream(WHOLE.replace(b"\n", b"\r\n")), OK),
    "CR": (stream(WHOLE.replace(b"\n", b"\r")), OK),
    "CRLF byte by byte": ([SSE_HEAD, one_by_one(chunked(*(bytes([byte]) for byte in WHOLE.replace(b"\n", b"\r\n"))) + LAST)], OK),
    "BOM": (stream(b"\xef\xbb\xbf" + WHOLE), OK),
    "the second BOM is data": (stream(b"\xef\xbb\xbf\xef\xbb\xbf" + WHOLE), OK | {"text": "Hello"}),
    "no space": (stream(WHOLE.replace(b"data: ", b"data:")), OK),
    "tab and space": (stream(WHOLE.replace(b"data: ", b"data:  \t")), OK),
    "comments": (stream(b": a\n\n:\n: data: {}\n" + WHOLE.replace(b"\n\n", b"\n: x\x00\n\n")), OK),
    "fields": (stream(b"id: 1\n\nretry: 3000\n\nevent: ping\n\nfoo: bar\nfoo\ndata\n\n" + WHOLE), OK),
    "data in lines": (stream(WHOLE.replace(b', "choices"', b',\ndata: "choices"')), OK),
    "event names": (stream(WHOLE.replace(b"data: {", b"event: message\ndata: {").replace(b"data: [D", b"event: done\ndata: [D")), OK),
    "upper case is another field": (stream(b'DATA: {"error": 1}\n Data: x\n\n' + WHOLE), OK),
    "utf-8 cut": (
        [SSE_HEAD + chunked(*(bytes([byte]) for byte in data(json.dumps(chunk("Hé€😀"), ensure_ascii=False).encode(), b"[DONE]"))) + LAST],
        {"outcome": "ok", "text": "Hé€😀"},
    ),
    "utf-8 broken": (stream(WHOLE.replace(b"Hel", b"H\xff\xe2\x82l")), OK | {"text": "H\ufffd\ufffdllo"}),
    "line separators of Unicode are text": (
        body(json.dumps(chunk("a\u2028b\u0085c"), ensure_ascii=False).encode(), b"[DONE]"),
        {"outcome": "ok", "text": "a\u2028b\u0085c"},
    ),
    "surrogates cut": (body(chunk("a\ud83d"), chunk("\ude00b"), b"[DONE]"), {"outcome": "ok", "text": "a😀b"}),
    "an event without its blank line": (stream(data(chunk("Hel")) + data(chunk("lo", "stop"))[:-1]), CUT | {"kind": "truncated"}),
    "[DONE] without its blank line": (stream(WHOLE[:-1]), OK),
    "[DONE] with a space": (stream(WHOLE.replace(b"[DONE]", b"[DONE] ")), OK),
    "keepalives in data": (stream(b"data: : keepalive\n\ndata:\n\ndata: null\n\nevent: ping\ndata: x\n\n" + WHOLE), OK),
    # Chunks
    "azure's first chunk": (body({"choices": [], "id": "", "prompt_filter_results": [{}]}, *HELLO, b"[DONE]"), OK),
    "no delta, null content, no keys": (
        body({"choices": [{"index": 0, "finish_reason": None}]}, chunk(None), {"id": "x"}, {}, *HELLO, b"[DONE]"),
        OK,
    ),
    "choices of no use": (body({"choices": None}, {"choices": [None, 3]}, {"choices": [{"delta": []}]}, *HELLO, b"[DONE]"), OK),
    "an error of null": (body(*({**one, "error": None} for one in HELLO), b"[DONE]"), OK),
    "content in parts": (
        body(chunk([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "a"}]), b"[DONE]"),
        {"outcome": "ok", "text": "a"},
    ),
    "usage": (
        body(*HELLO, {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}, b"[DONE]"),
        OK | {"usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}},
    ),
    "usage on the finish chunk": (
        body(*HELLO[:3], {**chunk(finish="stop"), "usage": {"prompt_tokens": "x", "total_tokens": 3}}, b"[DONE]"),
        OK | {"usage": {"total_tokens": 3}},
    ),
    "a refusal": (body(chunk(None, "stop", refusal="No."), b"[DONE]"), {"outcome": "ok", "text": "", "refusal": "No."}),
    "1 MiB": (body(chunk("x" * 2**20), b"[DONE]"), {"outcome": "ok", "text": "x" * 2**20}),
    # Complete or not
    "no [DONE]": (body(*HELLO), OK),
    "no finish_reason": (body(*HELLO[:3], b"[DONE]"), OK | {"finish_reason": None}),
    "neither": (body(*HELLO[:2]), CUT | {"kind": "truncated"}),
    "[DONE] twice, then rubbish": (stream(WHOLE + data(b"[DONE]", b"{broken", {"error": error})), OK),
    "reset after [DONE]": ([SSE_HEAD + chunked(WHOLE), 0.05, reset], OK),
    "open after [DONE]": ([SSE_HEAD + chunked(WHOLE), gone], OK),
    "hang-up": ([HEL, close], CUT | {"kind": "truncated"}),
    "hang-up inside an event": ([HEL + chunked(b"data: {"), close], CUT | {"kind": "truncated"}),
    "hang-up inside a chunk": ([HEL + b"ff\r\nda", close], CUT | {"kind": "truncated"}),
    "hang-up before the last chunk": ([SSE_HEAD + chunked(data(*HELLO)), close], {"outcome": "error", "text": "Hello"}),
    "short of its length": (
        [http("200 OK", data(*HELLO[:2]), "Content-Type: text/event-stream").replace(b"Length: ", b"Length: 9"), close],
        CUT,
    ),
    "reset": ([HEL, 0.05, reset], CUT | {"kind": "reset"}),
    "bad chunk size": ([HEL + b"zz\r\n", gone], CUT | {"kind": "parse"}),
    "a chunk too long": ([HEL + b"1\r\nxyz\r\n", gone], CUT | {"kind": "parse"}),
    "lengths that differ": ([http("200 OK", WHOLE, "Content-Type: text/event-stream", "Content-Length: 3")], {"outcome": "error"}),
    "no HTTP": ([b"SSH-2.0-x\r\n\r\n", gone], {"outcome": "error"}),
    # Errors
    "bad JSON": (body(chunk("Hel"), b"{nope", *HELLO[2:], b"[DONE]"), CUT | {"kind": "parse"}),
    "glued JSON": (body(chunk("Hel"), b'{"id":1,"objdata: {}', b"[DONE]"), CUT | {"kind": "parse"}),
    "NaN": (body(chunk("Hel"), b'{"choices":[],"x":NaN}', b"[DONE]"), CUT | {"kind": "parse"}),
    "deep JSON": (body(chunk("Hel"), b'{"a":' * 50000 + b"1" + b"}" * 50000), CUT),
    "an array": (body(chunk("Hel"), b"[1]", b"[DONE]"), CUT),
    "error object": (body(chunk("Hel"), {"error": error}, b"[DONE]"), CUT | {"kind": "api", "message": "the key is bad", "status": 401}),
    "error string": (body(chunk("Hel"), {"error": "API Error"}), CUT | {"message": "API Error"}),
    "empty error": (body(chunk("Hel"), {"error": {}}, b"[DONE]"), CUT | {"kind": "api"}),
    "error first": (body({"error": {"code": 400, "message": "m"}}, b"[DONE]"), {"outcome": "error", "kind": "api", "status": 400}),
    "error beside a finish": (body(chunk("Hel"), {**chunk("", "error"), "error": {"message": "m"}}), CUT | {"message": "m"}),
    "finish_reason error": (body(chunk("Hel"), chunk("", "error"), b"[DONE]"), CUT | {"finish_reason": "error"}),
    "flat error": (body(chunk("Hel"), {"object": "error", "message": "m", "code": 400}, b"[DONE]"), CUT | {"message": "m"}),
    "detail": (body(chunk("Hel"), {"detail": [{"loc": [], "msg": "m"}]}, b"[DONE]"), CUT | {"message": "m"}),
    "groq's error": (body(chunk("Hel"), {"choices": [], "x_groq": {"error": "over"}}, b"[DONE]"), CUT | {"message": "over"}),
    "error event": (stream(data(chunk("Hel")) + b'event: error\ndata: {"message":"m"}\n\n'), CUT | {"message": "m"}),
    "error event in words": (stream(data(chunk("Hel")) + b"event: error\ndata: overloaded\n\n"), CUT | {"message": "overloaded"}),
    "half a chunk, then a raw error line": (
        stream(data(chunk("Hel")) + b"data: " + half + b"\n" + json.dumps({"error": error}).encode() + b"\n\n"),
        CUT | {"message": "the key is bad", "status": 401},
    ),
    "HTML": ([http("200 OK", b"<html>Sorry</html>", "Content-Type: text/html")], {"outcome": "error", "text": ""}),
    "no content type": ([http("200 OK", WHOLE)], {"outcome": "error", "text": ""}),
    "JSON for a stream": (
        [http("200 OK", json.dumps({"error": error}).encode(), "Content-Type: application/json")],
        {"outcome": "error", "message": "the key is bad"},
    ),
    "401": ([failing("401 Unauthorized", message="bad key " + key)], {"outcome": "error", "kind": "http", "status": 401}),
    "401 in words": ([http("401 Unauthorized", b"Authentication Fails")], {"outcome": "error", "status": 401}),
    "204": ([b"HTTP/1.1 204 No Content\r\n\r\n"], {"outcome": "error", "status": 204}),
    "an error body that never ends": (
        [b"HTTP/1.1 400 Bad\r\nContent-Length: 999\r\n\r\n" + b'{"error": ', gone],
        {"outcome": "error", "kind": "http", "status": 400},
    ),
    **{
        f"redirect {status}": ([http(f"{status} X", b"", "Location: /v1/else")], {"outcome": "error", "kind": "redirect", "status": status})
        for status in (301, 302, 303)
    },
    "no location": ([http("307 X")], {"outcome": "error", "kind": "redirect"}),
    "another origin": ([http("308 X", b"", "Location: http://localhost:1/v1")], {"outcome": "error", "kind": "redirect"}),
}

pings: list[Act] = [frame("", 9), 0.05] * 40
alive: list[Act] = [chunked(b": alive\n\n"), 0.05] * 40
typed = [{"type": "content_delta", "content": "Hel"}, {"type": "content_delta", "content": "lo"}]
done = {"type": "done"}
text = json.dumps(chunk("Hel"))

SOCKETS: dict[str, tuple[str, list[Act], dict[str, Any]]] = {
    "chunk": ("ws-chunk", [texts(*HELLO), closing], OK),
    "chunk byte by byte": ("ws-chunk", [one_by_one(texts(*HELLO)), closing], OK),
    "[DONE] as a message": ("ws-chunk", [texts(*HELLO[:3], "[DONE]"), closing], OK | {"finish_reason": None}),
    "typed": (
        "ws-typed",
        [texts(*typed, {"type": "usage", "total_tokens": 3}, {**done, "finish_reason": "stop"}), closing],
        OK | {"usage": {"total_tokens": 3}},
    ),
    "typed with pongs": ("ws-typed", [texts({"type": "pong"}, *typed, {"type": "paused"}, done), closing], OK | {"finish_reason": None}),
    "typed, in several choices": (
        "ws-typed",
        [texts({**typed[0], "index": 0}, {**typed[1], "index": 1}, {**done, "finish_reasons": ["stop", "length"]}), closing],
        {
            "outcome": "ok",
            "text": "Hel",
            "choices": [
                {"text": "Hel", "finish_reason": "stop", "tool_calls": []},
                {"text": "lo", "finish_reason": "length", "tool_calls": []},
            ],
        },
    ),
    "typed, without text": (
        "ws-typed",
        [
            texts(
                {"type": "reasoning_delta", "content": "hm"},
                {"type": "refusal_delta", "content": "No."},
                {"type": "tool_call_delta", "tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}]},
                done,
            ),
            closing,
        ],
        {"outcome": "ok", "text": "", "refusal": "No.", "tool_calls": [{"id": "a", "name": "f", "arguments": "{}"}]},
    ),
    "a call of the old kind": (
        "ws-typed",
        [texts({"type": "function_call_delta", "function_call": {"name": "f", "arguments": "{}"}}, done), closing],
        {"outcome": "ok", "tool_calls": [{"id": None, "name": "f", "arguments": "{}"}]},
    ),
    "raw SSE": ("ws-sse-text", [texts(*(WHOLE.decode()[i : i + 7] for i in range(0, len(WHOLE), 7))), closing], OK),
    "raw SSE, done": ("ws-sse-text", [texts(data(*HELLO).decode(), json.dumps(done)), closing], OK),
    "large": (
        "ws-typed",
        [texts({"type": "content_delta", "content": "x" * 70000}, done), closing],
        {"outcome": "ok", "text": "x" * 70000},
    ),
    "fragments": (
        "ws-chunk",
        [frame(text[:9], final=False) + frame("", 9) + frame(text[9:12], 0, False) + frame(text[12:], 0) + texts(*HELLO[2:]), closing],
        OK,
    ),
    "glued": ("ws-chunk", [texts("\n".join(map(json.dumps, HELLO))), closing], OK),
    "binary": ("ws-chunk", [frame(text, 2) + texts(*HELLO[2:]), closing], OK),
    "burst, then close": ("ws-chunk", [texts(*HELLO) + closed(1000), closing], OK),
    "gone after the end": ("ws-typed", [texts(*typed, done), close], OK | {"finish_reason": None}),
    **{
        f"closed {code}": ("ws-chunk", [texts(chunk("Hel")) + closed(code, "bye"), gone], CUT | {"kind": "closed"})
        for code in (1000, 1001, 1011, 4429)
    },
    "closed without a code": ("ws-chunk", [texts(chunk("Hel")) + frame("", 8), gone], CUT | {"kind": "closed"}),
    "close frame in two": ("ws-chunk", [texts(chunk("Hel")) + closed(1001)[:3], 0.02, closed(1001)[3:], gone], CUT | {"kind": "closed"}),
    "no close frame": ("ws-chunk", [texts(chunk("Hel")), close], CUT | {"kind": "truncated"}),
    "reset": ("ws-chunk", [texts(chunk("Hel")), 0.05, reset], CUT | {"kind": "reset"}),
    "finish is not the end of typed": ("ws-typed", [texts(*typed) + closed(1000), gone], {"outcome": "error", "text": "Hello"}),
    "error": (
        "ws-typed",
        [texts(typed[0], {"type": "error", "message": "m", "status": 429}), closing],
        CUT | {"message": "m", "status": 429},
    ),
    "nested error": ("ws-chunk", [texts(chunk("Hel"), {"type": "error", "error": error}), closing], CUT | {"message": "the key is bad"}),
    "error in raw SSE": (
        "ws-sse-text",
        [texts(data(chunk("Hel"), {"error": error}).decode()), closing],
        CUT | {"message": "the key is bad"},
    ),
    "bad JSON": ("ws-chunk", [texts(chunk("Hel"), "{nope"), closing], CUT | {"kind": "parse"}),
    "cancelled by the server": ("ws-typed", [texts(typed[0], {"type": "done", "status": "cancelled"}), closing], CUT),
    **{
        f"broken: {name}": ("ws-chunk", [texts(chunk("Hel")) + bad, closing], CUT | {"kind": "parse"})
        for name, bad in {
            "reserved bit": frame("{}", first=0x40),
            "reserved opcode": frame("{}", 3),
            "masked": b"\x81\x82abcd" + bytes([ord("{") ^ 97, ord("}") ^ 98]),
            "long ping": frame("x" * 126, 9),
            "fragmented ping": frame("", 9, False),
            "continuation of nothing": frame("{}", 0),
            "message in a message": frame("{", final=False) + frame("}"),
            "not UTF-8": frame(b'{"a": "\xff"}'),
            "close code": closed(1005),
            "half a close code": frame(b"\x03", 8),
            "too large": b"\x81\x7f" + (2**40).to_bytes(8),
        }.items()
    },
    "wrong handshake": ("ws-chunk", [], {"outcome": "error", "kind": "parse"}),
}


class ReferenceClient:
    command: ClassVar[list[str]]

    @pytest.fixture(scope="class")
    @classmethod
    def adapter(cls) -> Iterator[Adapter]:
        adapter = Adapter(cls.command)
        yield adapter
        assert adapter.bye() == 0

    # Reading

    @pytest.mark.parametrize("row", READS)
    def test_reads(self, adapter: Adapter, row: str) -> None:
        script, expected = READS[row]
        with upstream(script) as server:
            result = adapter.ask(server, max_retries=0, idle_timeout_ms=5000)
            assert {name: result.get(name) for name in expected} == expected
            assert key not in json.dumps(result)
            assert len(server.requests) == 1
            left(server)

    @pytest.mark.parametrize("row", SOCKETS)
    def test_reads_a_websocket(self, adapter: Adapter, row: str) -> None:
        dialect, script, expected = SOCKETS[row]
        refusal: list[Act] = [b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n", gone]
        with upstream([upgrade, *script] if script else refusal) as server:
            result = adapter.ask(server, dialect, max_retries=0, idle_timeout_ms=5000)
            assert {name: result.get(name) for name in expected} == expected
            left(server)

    def test_the_request(self, adapter: Adapter) -> None:
        with upstream([ANSWER], [upgrade, texts(*typed, done), closing]) as server:
            adapter.ask(server, request={"temperature": 0.5})
            adapter.ask(server, "ws-typed")
        post, get = server.requests
        assert post["line"] == "POST /v1/chat/completions HTTP/1.1"
        assert post["fields"]["authorization"] == f"Bearer {key}"
        assert post["fields"]["content-type"] == "application/json"
        assert "text/event-stream" in post["fields"]["accept"]
        assert json.loads(post["body"]) == {
            "model": "m",
            "messages": [{"role": "user", "content": "q"}],
            "stream": True,
            "temperature": 0.5,
        }
        assert get["line"] == "GET /v1/ws/chat?dialect=ws-typed HTTP/1.1"
        assert get["fields"]["authorization"] == f"Bearer {key}"
        assert json.loads(server.peers[1].frames[0][1])["type"] == "chat.completion"

    def test_an_event_is_handed_on_as_soon_as_it_is_complete(self, adapter: Adapter) -> None:
        sent: list[float] = []
        rest = [0.3, lambda _: sent.append(time.monotonic()), chunked(data(*HELLO[2:], b"[DONE]")) + LAST]
        for first in (HEL, HEL.replace(b"\n\n\r\n", b"\r\r\r\n")):  # a CR ends the line at once
            with upstream([first, *rest]) as server:  # type: ignore[list-item]
                lines = adapter.finish(adapter.start(server))
            assert lines[0]["text"] == "Hel"
            assert lines[0]["at"] < sent[-1]
            assert lines[-1]["outcome"] == "ok"

    def test_gzip_is_handed_on_at_each_flush(self, adapter: Adapter) -> None:
        coder = zlib.compressobj(wbits=31)
        first = coder.compress(data(chunk("Hel"))) + coder.flush(zlib.Z_SYNC_FLUSH)
        last = coder.compress(data(*HELLO[2:], b"[DONE]")) + coder.flush()
        sent: list[float] = []
        head = SSE_HEAD[:-2] + b"Content-Encoding: gzip\r\n\r\n"
        with upstream([head + chunked(first), 0.3, lambda _: sent.append(time.monotonic()), chunked(last) + LAST]) as server:
            lines = adapter.finish(adapter.start(server))
        assert lines[0]["at"] < sent[0]
        assert lines[-1]["text"] == "Hello"

    def test_many_events(self, adapter: Adapter) -> None:
        with upstream(stream(data(*([chunk("x")] * 3000), b"[DONE]"))) as server:
            assert adapter.ask(server)["text"] == "x" * 3000

    def test_tool_calls(self, adapter: Adapter) -> None:
        def opened(index: int, name: str, arguments: str) -> dict[str, Any]:
            return chunk(None, tool_calls=[{"index": index, "id": name * 2, "function": {"name": name, "arguments": arguments}}])

        def call(index: int, arguments: str) -> dict[str, Any]:
            return chunk(None, tool_calls=[{"index": index, "function": {"arguments": arguments}}])

        start = [opened(1, "f", ""), opened(3, "g", '{"x'), call(1, '{"y": 1}'), call(3, '": 2')]
        first = {"id": "ff", "name": "f", "arguments": '{"y": 1}'}
        with upstream(
            body(*start, call(3, "}"), chunk(finish="tool_calls"), b"[DONE]"), body(*start), body(*start, chunk(finish="length"))
        ) as server:
            lines = adapter.finish(adapter.start(server))
            assert [line.get("name") for line in lines if line["type"] == "tool_call"] == ["f", "g", None, None, None]
            assert lines[-1]["tool_calls"] == [first, {"id": "gg", "name": "g", "arguments": '{"x": 2}'}]
            assert adapter.ask(server)["tool_calls"] == [first]
            assert adapter.ask(server)["tool_calls"] == [first]

    def test_reasoning_comes_apart_from_the_text(self, adapter: Adapter) -> None:
        for thinking in (chunk("", reasoning="hm"), chunk("", reasoning_content="hm"), chunk([{"type": "thinking", "thinking": "hm"}])):
            with upstream(body(thinking, *HELLO, b"[DONE]")) as server:
                lines = adapter.finish(adapter.start(server))
            assert [line["text"] for line in lines if line["type"] == "reasoning"] == ["hm"]
            assert lines[-1]["text"] == "Hello"

    def test_choices_are_kept_apart(self, adapter: Adapter) -> None:
        some = [chunk("a"), chunk("1", index=1), chunk("b", "stop"), chunk("2", index=1)]
        with upstream(body(*some, chunk("3", "length", index=1)), body(*some), body(chunk("a", "stop"))) as server:
            lines = adapter.finish(adapter.start(server, request={"n": 2}))
            assert (said(lines), said(lines, 1)) == ("ab", "123")
            assert [choice["text"] for choice in lines[-1]["choices"]] == ["ab", "123"]
            assert [choice["finish_reason"] for choice in lines[-1]["choices"]] == ["stop", "length"]
            assert adapter.ask(server, request={"n": 2})["outcome"] == "error"
            assert adapter.ask(server, request={"n": 2})["outcome"] == "error"

    def test_pings_are_answered_with_their_payload(self, adapter: Adapter) -> None:
        ping = b"x" * 125
        script: list[Act] = [
            upgrade,
            frame(text[:9], final=False) + frame(ping, 9),
            frame_read,
            frame(text[9:], 0) + texts(*HELLO[2:]),
            closing,
        ]
        with upstream(script) as server:
            assert adapter.ask(server, "ws-chunk")["text"] == "Hello"
            eventually(lambda: (10, ping) in server.peers[0].frames)

    def test_a_usage_message_is_waited_for(self, adapter: Adapter) -> None:
        usage = {"choices": [], "usage": {"total_tokens": 3}}
        with upstream([upgrade, texts(*HELLO), 0.2, texts(usage), closing]) as server:
            assert adapter.ask(server, "ws-chunk", request={"stream_options": {"include_usage": True}})["usage"] == {"total_tokens": 3}

    @pytest.mark.parametrize(("bad", "code"), [(frame("{}", 3), 1002), (frame(b"\xff"), 1007), (closed(1001), 1001), (texts("[1]"), 1000)])
    def test_the_close_code_says_why(self, adapter: Adapter, bad: bytes, code: int) -> None:
        with upstream([upgrade, texts(chunk("Hel")) + bad, closing]) as server:
            adapter.ask(server, "ws-chunk")
            eventually(lambda: server.peers[0].frames[-1] == (8, code.to_bytes(2)))

    # Time

    def test_silence_is_a_timeout(self, adapter: Adapter) -> None:
        scripts: dict[str, list[Act]] = {
            "no head": [gone],
            "no body": [SSE_HEAD, gone],
            "no more": [HEL, gone],
            "comments": [HEL, *alive, gone],
        }
        with upstreams({name: [script] for name, script in scripts.items()}) as servers:
            runs = {name: adapter.start(server, idle_timeout_ms=300, max_retries=0) for name, server in servers.items()}
            for name, server in servers.items():
                result = adapter.finish(runs[name])[-1]
                assert (result["outcome"], result["kind"]) == ("error", "timeout"), name
                left(server)

    def test_a_silent_websocket_is_a_timeout(self, adapter: Adapter) -> None:
        with upstream([upgrade, texts(chunk("Hel")), *pings, gone]) as server:
            result = adapter.ask(server, "ws-chunk", idle_timeout_ms=300)
            assert (result["kind"], result["text"]) == ("timeout", "Hel")

    def test_slow_is_not_silent(self, adapter: Adapter) -> None:
        wait: list[Act] = [chunked(b": wait\n\n"), 0.1] * 5
        slow: list[Act] = [act for one in HELLO for act in (chunked(data(one)), 0.15)]
        messages: list[Act] = [act for one in HELLO for act in (texts(one), 0.15)]
        with upstream([SSE_HEAD, *wait, *slow, LAST], [upgrade, *messages, closing]) as server:
            assert adapter.ask(server, idle_timeout_ms=400)["outcome"] == "ok"
            assert adapter.ask(server, "ws-chunk", idle_timeout_ms=400)["outcome"] == "ok"

    def test_the_callers_pause_is_not_the_servers_silence(self, adapter: Adapter) -> None:
        with upstream([SSE_HEAD + chunked(data(*HELLO[:2])), 0.1, chunked(data(*HELLO[2:], b"[DONE]")) + LAST]) as server:
            assert adapter.ask(server, idle_timeout_ms=300, read_delay_ms=500)["outcome"] == "ok"

    def test_the_whole_run_has_a_limit(self, adapter: Adapter) -> None:
        busy = [piece for _ in range(40) for piece in (chunked(data(chunk("x"))), 0.05)]
        with upstream([SSE_HEAD, *busy], *[[failing("503 No", "Retry-After: 5")]] * 3) as server:
            result = adapter.ask(server, total_timeout_ms=400)
            assert (result["outcome"], result["kind"]) == ("error", "timeout")
            assert adapter.ask(server, total_timeout_ms=400)["outcome"] == "error"
            assert len(server.requests) == 2

    # Trying again

    def test_retries(self, adapter: Adapter) -> None:
        with upstreams({status: [[failing(f"{status} No")], [ANSWER]] for status in (408, 409, 429, 500, 502, 503, 504, 529)}) as servers:
            runs = {status: adapter.start(server) for status, server in servers.items()}
            for status, server in servers.items():
                lines = adapter.finish(runs[status])
                assert lines[-1]["outcome"] == "ok", status
                assert [line["attempt"] for line in lines if line["type"] == "retry"] == [2], status
                first, second = server.requests
                assert first["body"] == second["body"]
                assert first["fields"]["authorization"] == second["fields"]["authorization"]

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
    def test_does_not_retry(self, adapter: Adapter, status: int) -> None:
        with upstream(*[[failing(f"{status} No", message="because")]] * 3) as server:
            result = adapter.ask(server)
            assert (result["status"], len(server.requests)) == (status, 1)
            assert "because" in result["message"]

    def test_retries_what_never_answered(self, adapter: Adapter) -> None:
        scripts: dict[str, list[Act]] = {"closed": [close], "reset": [reset], "half a head": [b"HTTP/1.1 2", close], "silent": [gone]}
        with upstreams({name: [script, [ANSWER]] for name, script in scripts.items()}) as servers:
            runs = {name: adapter.start(server, idle_timeout_ms=400) for name, server in servers.items()}
            assert {name: adapter.finish(run)[-1]["outcome"] for name, run in runs.items()} == dict.fromkeys(scripts, "ok")

    @pytest.mark.parametrize("script", [[HEL, close], [HEL, 0.05, reset], [SSE_HEAD + chunked(b": x\n\n"), close], body({"error": error})])
    def test_never_retries_what_has_begun(self, adapter: Adapter, script: list[Act]) -> None:
        with upstream(script, [ANSWER]) as server:
            assert adapter.ask(server)["outcome"] == "error"
            assert len(server.requests) == 1

    def test_retries_grow_and_end(self, adapter: Adapter) -> None:
        with upstream(*[[failing("503 No", message="overloaded")]] * 9) as server:
            result = adapter.ask(server, max_retries=3)
            assert (result["status"], len(server.requests)) == (503, 4)
            assert "overloaded" in result["message"]
            at = [request["at"] for request in server.requests]
            assert at[3] - at[2] > 1.5 * (at[1] - at[0]) > 0.15

    def test_waits_as_long_as_asked(self, adapter: Adapter) -> None:
        least = {
            ("Retry-After: 1",): 0.99,
            ("retry-after-ms: 700", "Retry-After: 30"): 0.69,
            ("Retry-After: 0",): 0.1,
            ("Retry-After: soon",): 0.1,
        }
        with upstreams({fields: [[failing("429 No", *fields)], [ANSWER]] for fields in least}) as servers:
            runs = {fields: adapter.start(server) for fields, server in servers.items()}
            for fields, server in servers.items():
                assert adapter.finish(runs[fields])[-1]["outcome"] == "ok", fields
                first, second = server.requests
                assert second["at"] - first["at"] >= least[fields]

    def test_waits_until_the_date(self, adapter: Adapter) -> None:
        date = int(time.time()) + 2
        with upstream([failing("503 No", f"Retry-After: {formatdate(date, usegmt=True)}")], [ANSWER]) as server:
            assert adapter.ask(server)["outcome"] == "ok"
            assert time.time() >= date

    @pytest.mark.parametrize("field", ["Retry-After: 3600", "x-should-retry: false", "Retry-After: Fri, 01 Jan 2100 00:00:00 GMT"])
    def test_gives_up(self, adapter: Adapter, field: str) -> None:
        with upstream([failing("429 No", field)], [ANSWER]) as server:
            assert adapter.ask(server)["status"] == 429
            assert len(server.requests) == 1

    def test_should_retry_forces(self, adapter: Adapter) -> None:
        with upstream([failing("400 No", "x-should-retry: true")], [ANSWER]) as server:
            assert adapter.ask(server)["outcome"] == "ok"

    def test_refused(self, adapter: Adapter) -> None:
        with upstream([ANSWER]) as server:
            server.refuse()
            lines = adapter.finish(adapter.start(server, max_retries=1))
            assert lines[-1]["kind"] == "connect"
            assert [line["type"] for line in lines] == ["retry", "result"]

    def test_a_websocket_is_tried_again_before_its_first_message(self, adapter: Adapter) -> None:
        scripts: list[list[Act]] = [[failing("503 No")], [upgrade, closed(1013), gone], [upgrade, close], [upgrade, texts(*HELLO), closing]]
        with upstream(*scripts) as server:
            assert adapter.ask(server, "ws-chunk", max_retries=3)["outcome"] == "ok"
            assert [peer.frames[0] for peer in server.peers[1:]] == [server.peers[1].frames[0]] * 3

    @pytest.mark.parametrize(
        "script", [[failing("401 No")], [upgrade, closed(1008), gone], [upgrade, texts(chunk("Hel")) + closed(1013), gone]]
    )
    def test_a_websocket_is_not_tried_again(self, adapter: Adapter, script: list[Act]) -> None:
        with upstream(script, [upgrade, texts(*HELLO), closing]) as server:
            assert adapter.ask(server, "ws-chunk")["outcome"] == "error"
            assert len(server.requests) == 1

    @pytest.mark.parametrize("status", [307, 308])
    def test_follows_on_the_same_origin(self, adapter: Adapter, status: int) -> None:
        with upstream([http(f"{status} X", b"", "Location: ../else?a=1")], [ANSWER]) as server:
            assert adapter.ask(server, max_retries=0)["outcome"] == "ok"
            assert server.requests[1]["line"] == "POST /v1/else?a=1 HTTP/1.1"
            assert server.requests[1]["body"] == server.requests[0]["body"]

    def test_redirects_end(self, adapter: Adapter) -> None:
        with upstream(*[[http("307 X", b"", "Location: /v1/x")]] * 30) as server:
            assert adapter.ask(server)["kind"] == "redirect"
            assert len(server.requests) < 10

    def test_no_credentials_for_another_origin(self, adapter: Adapter) -> None:
        with upstream([ANSWER]) as other, upstream([http("307 X", b"", f"Location: {other.base_url}")]) as server:
            assert adapter.ask(server)["outcome"] == "error"
            assert other.requests == []

    def test_the_next_key(self, adapter: Adapter) -> None:
        scripts: list[list[Act]] = [
            [failing("401 No")],
            [failing("401 No")],
            [ANSWER],
            [failing("401 No")],
            [upgrade, texts(*HELLO), closing],
        ]
        with upstream(*scripts) as server:
            assert adapter.ask(server, max_retries=0, next_api_keys=["k2", "k3"])["outcome"] == "ok"
            assert adapter.ask(server, "ws-chunk", max_retries=0, next_api_keys=["k2"])["outcome"] == "ok"
            used = [request["fields"]["authorization"].removeprefix("Bearer ") for request in server.requests]
            assert used == [key, "k2", "k3", key, "k2"]

    def test_the_next_url(self, adapter: Adapter) -> None:
        with upstream() as refusing, upstream(*[[failing("503 No")]] * 2) as failed, upstream([ANSWER]) as server:
            refusing.refuse()
            result = adapter.ask(refusing, max_retries=1, fallback_urls=[failed.base_url, server.base_url])
            assert result["outcome"] == "ok"
            assert (len(failed.requests), len(server.requests)) == (2, 1)

    # Leaving

    @pytest.mark.parametrize("stop", ["cancel", "break", "raise"])
    def test_cancel_after_events(self, adapter: Adapter, stop: str) -> None:
        with upstream([SSE_HEAD + chunked(data(*HELLO[:3], *[chunk("x")] * 500)), gone]) as server:
            lines = adapter.finish(adapter.start(server, cancel_after_events=2, stop=stop))
            assert (lines[-1]["outcome"], lines[-1]["text"]) == ("cancelled", "Hello")
            assert len(lines) == 3
            left(server)
            assert len(server.requests) == 1

    def test_cancel_after_time(self, adapter: Adapter) -> None:
        scripts: dict[str, list[Act]] = {
            "before the head": [gone],
            "after the head": [SSE_HEAD, gone],
            "inside an event": [HEL + b"ff\r\nda", gone],
            "in a flood": [SSE_HEAD, flood],
            "in backoff": [failing("503 X", "Retry-After: 9"), gone],
        }
        with upstreams({name: [script, [ANSWER]] for name, script in scripts.items()}) as servers:
            runs = {name: adapter.start(server, cancel_after_ms=300) for name, server in servers.items()}
            for name, server in servers.items():
                assert adapter.finish(runs[name])[-1]["outcome"] == "cancelled", name
                left(server)
                assert len(server.requests) == 1

    def test_cancel_under_back_pressure(self, adapter: Adapter) -> None:
        with upstream([SSE_HEAD + chunked(data(chunk("Hel"))), flood]) as server:
            assert adapter.ask(server, read_delay_ms=10000, cancel_after_ms=300)["outcome"] == "cancelled"
            left(server)

    def test_a_cancelled_websocket_says_goodbye(self, adapter: Adapter) -> None:
        with upstream([upgrade, texts(chunk("Hel")), closing]) as server:
            assert adapter.ask(server, "ws-chunk", cancel_after_events=1)["outcome"] == "cancelled"
            eventually(lambda: server.peers[0].frames[-1] == (8, (1000).to_bytes(2)))

    def test_a_pause_is_told_on_a_websocket(self, adapter: Adapter) -> None:
        with upstream([upgrade, texts(chunk("Hel")), 0.3, texts(chunk("lo", finish="stop")), closing]) as server:
            result = adapter.ask(server, "ws-chunk", pause_after_events=1, pause_ms=50)
            assert (result["outcome"], result["text"]) == ("ok", "Hello")
            words = [json.loads(payload) for opcode, payload in server.peers[0].frames if opcode == 1]
            assert words[1:] == [{"type": "pause"}, {"type": "resume"}]

    def test_the_callers_pause_is_no_silence_of_the_servers(self, adapter: Adapter) -> None:
        with upstream([upgrade, texts(chunk("Hel")), 0.9, texts(chunk("lo", finish="stop")), closing]) as server:
            assert adapter.ask(server, "ws-chunk", pause_after_events=1, pause_ms=800, idle_timeout_ms=400)["outcome"] == "ok"

    def test_what_is_finished_is_not_cancelled(self, adapter: Adapter) -> None:
        with upstream([ANSWER]) as server:
            assert adapter.ask(server, cancel_after_events=9, cancel_after_ms=9000)["outcome"] == "ok"

    def test_reads_no_more_than_the_caller_wants(self, adapter: Adapter) -> None:
        sent: list[int] = []

        def pour(peer: Any) -> None:
            peer.socket.settimeout(0.5)
            block = chunked(data(*[chunk("x" * 1000)] * 60))
            try:
                while len(sent) < 1000:
                    peer.socket.sendall(block)
                    sent.append(len(block))
            except TimeoutError:
                gone(peer)

        with upstream([SSE_HEAD, pour]) as server:
            adapter.ask(server, read_delay_ms=300, cancel_after_ms=1500)
            assert sum(sent) < 30_000_000

    @pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts what Linux shows in /proc")
    def test_leaves_nothing_behind(self, adapter: Adapter) -> None:
        def held() -> tuple[int, int]:
            process = Path(f"/proc/{adapter.process.pid}")
            return len(list((process / "fd").iterdir())), len(list((process / "task").iterdir()))

        scripts: list[list[Act]] = [[HEL, gone], [failing("400 No"), gone], [HEL, close], [upgrade, texts(chunk("Hel")), closing]]
        with upstream(*scripts, *scripts * 10) as server:

            def each() -> None:
                adapter.ask(server, cancel_after_events=1)
                adapter.ask(server)
                adapter.ask(server)
                adapter.ask(server, "ws-chunk", cancel_after_events=1)

            each()
            before = held()
            for _ in range(10):
                each()
            eventually(lambda: all(now <= then for now, then in zip(held(), before, strict=True)))
            left(server)

    # Connections

    def test_a_connection_is_used_again(self, adapter: Adapter) -> None:
        scripts: list[list[Act]] = [[ANSWER], [failing("400 No")], [ANSWER], [HEL, close], [ANSWER]]
        with upstream(*scripts) as server:
            outcomes = [adapter.ask(server, connection="again")["outcome"] for _ in scripts]
            assert outcomes == ["ok", "error", "ok", "error", "ok"]
            assert [len(peer.requests) for peer in server.peers] == [4, 1]

    def test_without_a_label_the_connection_is_closed(self, adapter: Adapter) -> None:
        with upstream([ANSWER], [ANSWER]) as server:
            for _ in range(2):
                adapter.ask(server)
            left(server)
            assert len(server.peers) == 2

    def test_a_connection_that_died_unnoticed(self, adapter: Adapter) -> None:
        with upstream([ANSWER], [reset], [ANSWER], [ANSWER, close], [ANSWER]) as server:
            adapter.ask(server, connection="dying")
            assert adapter.ask(server, connection="dying")["outcome"] == "ok"
            assert adapter.ask(server, connection="dying")["outcome"] == "ok"
            time.sleep(0.05)
            assert adapter.ask(server, connection="dying", max_retries=0)["outcome"] == "ok"

    def test_a_busy_connection_is_not_lent_out(self, adapter: Adapter) -> None:
        slow: list[Act] = [SSE_HEAD + chunked(data(chunk("Hel"))), 0.3, chunked(data(*HELLO[2:], b"[DONE]")) + LAST]
        with upstream(slow, slow, slow) as server:
            runs = [adapter.start(server, connection="busy") for _ in range(3)]
            assert [adapter.finish(run)[-1]["text"] for run in runs] == ["Hello"] * 3
            assert len(server.peers) == 3

    def test_a_body_left_open_is_not_reused(self, adapter: Adapter) -> None:
        with upstream([SSE_HEAD + chunked(WHOLE), gone], [ANSWER]) as server:
            assert [adapter.ask(server, connection="open")["outcome"] for _ in range(2)] == ["ok", "ok"]
            assert len(server.peers) == 2

    @pytest.mark.parametrize(
        ("dialect", "messages", "late"),
        [
            ("ws-chunk", texts(*HELLO), texts("[DONE]")),
            ("ws-sse-text", texts(WHOLE.decode()), texts(done)),
            ("ws-typed", texts(*typed, done), texts({"type": "pong"})),
        ],
    )
    def test_several_requests_on_a_websocket(self, adapter: Adapter, dialect: str, messages: bytes, late: bytes) -> None:
        again: list[Act] = [upgrade, messages + late, frame_read, 0.05, messages, 0.05, frame_read, late + messages, closing]
        with upstream(again) as server:
            assert [adapter.ask(server, dialect, connection="ws")["text"] for _ in range(3)] == ["Hello"] * 3
            assert len(server.peers) == 1

    def test_a_websocket_closed_meanwhile(self, adapter: Adapter) -> None:
        with upstream([upgrade, texts(*HELLO) + closed(1000), gone], [upgrade, texts(*HELLO), closing]) as server:
            assert [adapter.ask(server, "ws-chunk", connection="ws2", max_retries=0)["text"] for _ in range(2)] == ["Hello"] * 2
            assert len(server.peers) == 2

    # TLS

    def test_certificates_are_verified(self, adapter: Adapter, tmp_path: Path) -> None:
        ours, strangers = trustme.CA(), trustme.CA()
        ours.cert_pem.write_to_path(tmp_path / "ca.pem")
        for authority, host, outcome, kind in (
            (ours, "127.0.0.1", "ok", None),
            (strangers, "127.0.0.1", "error", "tls"),
            (ours, "example.org", "error", "tls"),
        ):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert(host).configure_cert(context)
            with upstream([ANSWER], context=context) as server:
                result = adapter.ask(server, ca_file=str(tmp_path / "ca.pem"))
                assert (result["outcome"], result.get("kind")) == (outcome, kind)
                assert len(server.requests) == (outcome == "ok")

    def test_a_handshake_that_never_ends(self, adapter: Adapter) -> None:
        with upstream() as server:
            run = {"base_url": f"https://127.0.0.1:{server.port}", "transport": "sse", "api_key": "k", "request": {}}
            name = f"r{next(ids)}"
            adapter.say({"type": "run", "run": name, **run, "connect_timeout_ms": 200, "max_retries": 0})
            assert adapter.finish(name)[-1]["kind"] in ("timeout", "connect")

    # The adapter

    def test_hello(self, adapter: Adapter) -> None:
        eventually(lambda: adapter.lines)
        assert adapter.lines[0]["type"] == "hello"
        assert adapter.lines[0]["wrong"] == []
        assert set(adapter.lines[0]["controls"]) == set(SCHEMA["$defs"]["control"]["enum"])

    def test_the_end_of_input_ends_no_run(self) -> None:
        with upstream([SSE_HEAD, 0.3, chunked(WHOLE) + LAST]) as server:
            adapter = Adapter(self.command)
            run = adapter.start(server)
            assert adapter.process.stdin
            adapter.process.stdin.close()
            assert adapter.finish(run)[-1]["outcome"] == "ok"
            assert adapter.end() == 0

    def test_bye_ends_it_with_connections_open(self) -> None:
        with upstream([ANSWER], [upgrade, texts(*HELLO), closing]) as server:
            adapter = Adapter(self.command)
            adapter.ask(server, connection="x")
            adapter.ask(server, "ws-chunk", connection="x")
            assert adapter.bye() == 0
            left(server)

    def test_one_shot(self) -> None:
        def once(environment: dict[str, str], text: str = "") -> Lines:
            told = subprocess.run(
                self.command, env=os.environ | environment, input=text, stdout=subprocess.PIPE, text=True, timeout=10, check=True
            )
            return [json.loads(line) for line in told.stdout.splitlines()]

        assert [line["type"] for line in once({"STREAMPROOF_HELLO": "1"})] == ["hello"]
        with upstream([ANSWER], [HEL, gone]) as server:
            line = {"type": "run", "run": "1", "transport": "sse", "base_url": server.base_url, "api_key": "k", "request": {"model": "m"}}
            assert once({}, json.dumps(line) + "\n")[-1]["text"] == "Hello"
            environment = {
                f"STREAMPROOF_{name.upper()}": value if isinstance(value, str) else json.dumps(value) for name, value in line.items()
            }
            assert once(environment | {"STREAMPROOF_CANCEL_AFTER_EVENTS": "1"})[-1]["outcome"] == "cancelled"

    def test_lines_that_are_none(self, adapter: Adapter) -> None:
        assert adapter.process.stdin
        adapter.process.stdin.write('nonsense\n\n{"type": "dance"}\n[1]\n')
        with upstream([ANSWER]) as server:
            assert adapter.ask(server, unknown=quote("field"))["outcome"] == "ok"
