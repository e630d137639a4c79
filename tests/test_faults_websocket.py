"""Every fault of WebSocket framing and every reaction, frame by frame, as a bare socket sees it."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from mockserver.author_errors import AuthorError
from mockserver.testing import MockServer, MockSession
from tests.raw_websocket import ASK, BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, TYPED, Far, Frame, connected, content

TEXTS = ["Hé", "llo", ", wörld"]
DIALECTS = ["ws-chunk", "ws-typed", "ws-sse-text"]
SLOW = {"answer": {"content": [f"{n} " for n in range(300)]}, "pace": {"tokens_per_second": 100}}


@pytest.fixture
async def server() -> AsyncIterator[MockServer]:
    async with MockServer(seed=5) as running:
        yield running


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def session_of(server: MockServer, *faults: Any, **turn: Any) -> MockSession:
    return server.session([{"answer": {"content": TEXTS}, "faults": list(faults), **turn}])


async def asked(far: Far) -> list[Frame]:
    """Ask once and hear all frames until the connection ends."""
    far.say(TYPED)
    return await far.frames()


async def played(server: MockServer, dialect: str, *faults: Any, **turn: Any) -> list[Frame]:
    """The frames of one answer, with a close frame behind it."""
    session = session_of(server, *faults, {"ws-close": {"at": "end"}}, **turn)
    async with connected(f"{session.ws_url}?dialect={dialect}") as far:
        frames = await asked(far)
        far.close()
        assert (frames[-1].opcode, frames[-1].code) == (CLOSE, 1000)
    await session.wait_idle()
    assert session.journal()["requests"][0]["unfired"] == []
    return frames[:-1]


async def healthy(server: MockServer, dialect: str) -> list[Frame]:
    """The same answer without a fault; by the seed its bytes are the same."""
    return await played(server, dialect)


def said(frames: list[Frame]) -> bytes:
    return b"".join(frame.payload for frame in frames if frame.opcode < CLOSE)


# Closes


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1011, "Größe"), (4429, "x" * 123), (1006, "never in a frame"), (None, "")])
@pytest.mark.parametrize(("at", "left"), [("start", 0), ("content:2", 2), ("end", 9)])
async def test_ws_close(server: MockServer, dialect: str, code: int | None, reason: str, at: str, left: int) -> None:
    whole = [frame.payload for frame in await healthy(server, dialect)]
    session = session_of(server, {"ws-close": {"code": code, "reason": reason, "at": at}})
    async with connected(f"{session.ws_url}?dialect={dialect}") as far:
        *frames, close = await asked(far)
        assert (close.opcode, close.code) == (CLOSE, code)
        assert close.reason == reason
        second = next(number for number, payload in enumerate(whole, 1) if b'"llo"' in payload)
        wanted = {0: 0, 2: second}.get(left, len(whole))
        assert [frame.payload for frame in frames] == whole[:wanted]
        far.send(CLOSE, close.payload if code != 1006 else b"")
        assert await far.ended()
    await session.wait_idle()
    journal = session.journal()
    assert (journal["connections"][0]["closed_by"], journal["connections"][0]["close_code"]) == ("server", code or 1005)
    assert (journal["requests"][0]["ended_by"], journal["requests"][0]["ended_how"]) == ("server", "end" if at == "end" else "close")


async def test_a_close_that_the_client_does_not_answer_ends_all_the_same(server: MockServer) -> None:
    session = session_of(server, {"ws-close": {}})
    async with connected(session.ws_url) as far:
        assert (await asked(far))[-1].code == 1000
        assert await far.ended()


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"ws-close": {"reason": "x" * 124}}, "123 bytes"),
        ({"ws-close": {"code": None, "reason": "x"}}, "without a 'code'"),
        ({"ws-close": {"code": 65536}}, "code"),
        ({"fragmented": {"pieces": 1}}, "pieces"),
        ({"message-split": {"pieces": 1}}, "pieces"),
        ({"message-glue": {"count": 1}}, "count"),
        ({"pong": {"how": "nevr"}}, "never"),
        ({"reserved-bits": {"bit": 4}}, "bit"),
        ({"extra-frame": {"kind": "pong-ish"}}, "pong"),
        ({"extra-frame": {"hex": "03e"}}, "hexadecimal"),
    ],
)
async def test_what_cannot_be_is_refused(server: MockServer, fault: Any, words: str) -> None:
    with pytest.raises(AuthorError, match=words):
        session_of(server, fault)


async def test_hang_up_inside_a_frame(server: MockServer, dialect: str) -> None:
    whole = said(await healthy(server, dialect))
    session = session_of(server, {"hang-up": {"at": "inside:content:2"}})
    async with connected(f"{session.ws_url}?dialect={dialect}") as far:
        far.say(TYPED)
        received = b""
        while piece := await far.read():
            received += piece
    assert received.endswith(whole[whole.index(b'"llo"') - 5 : whole.index(b'"llo"')]) or b'"llo"' not in received
    assert b'H\xc3\xa9"' in received
    assert b"w\xc3\xb6rld" not in received


async def test_reset(server: MockServer, dialect: str) -> None:
    session = session_of(server, {"reset": {"at": "content:2"}})
    async with connected(f"{session.ws_url}?dialect={dialect}") as far:
        far.say(TYPED)
        received = b""
        with pytest.raises(ConnectionResetError):  # noqa: PT012
            while True:
                received += await far.read()
        assert received.count(b'"llo"') == 1
    await session.wait_idle()
    assert session.journal()["requests"][0]["ended_how"] == "reset"


@pytest.mark.parametrize("fault", [{"reset": {"at": "content:2"}}, {"hang-up": {"at": "content:2"}}, {"ws-close": {"at": "content:2"}}])
async def test_what_ends_the_connection_ends_all_lanes(server: MockServer, fault: Any) -> None:
    how = "close" if "ws-close" in fault else "reset" if "reset" in fault else "hangup"
    session = server.session([SLOW, {**SLOW, "faults": [fault]}])
    async with connected(session.ws_url) as far:
        far.say({**TYPED, "stream_id": "a"})
        await far.json()
        far.say({**TYPED, "stream_id": "b"})
        far.say({**TYPED, "stream_id": "b"})
        try:
            assert (await far.frames())[-1].opcode in (TEXT, CLOSE)
        except ConnectionResetError:
            assert how == "reset"
    await session.wait_idle()
    assert [(r["lane"], r["ended_by"], r["ended_how"]) for r in session.journal()["requests"]] == [
        ("a", "server", how),
        ("b", "server", how),
        ("b", "server", how),
    ]


@pytest.mark.parametrize("rest", [True, False])
async def test_cut_close_frame(server: MockServer, dialect: str, rest: bool) -> None:
    session = session_of(server, {"cut-close-frame": {"code": 1011, "reason": "bye", "rest": rest, "gap": 0.1}})
    async with connected(f"{session.ws_url}?dialect={dialect}") as far:
        far.say(TYPED)
        received = b""
        while not received.endswith(b"\x88\x05\x03"):
            received += await far.read()
        begun = asyncio.get_running_loop().time()
        assert await far.read() == (b"\xf3bye" if rest else b"")
        assert asyncio.get_running_loop().time() - begun > 0.05
        far.close(1011)
        assert not rest or await far.ended()
    await session.wait_idle()
    assert session.journal()["connections"][0]["close_code"] == (1011 if rest else None)


async def test_burst_and_close(server: MockServer, dialect: str) -> None:
    whole = [frame.payload for frame in await healthy(server, dialect)]
    session = session_of(server, {"burst-and-close": {"code": 1012, "reason": "restart"}}, pace={"ttft": 0.1, "tokens_per_second": 2})
    async with connected(f"{session.ws_url}?dialect={dialect}") as far:
        *frames, close = await asked(far)
        assert [frame.payload for frame in frames] == whole
        assert (close.code, close.reason) == (1012, "restart")
    await session.wait_idle()
    assert len(session.journal()["requests"][0]["writes"]) == 1


# Frames


async def test_binary(server: MockServer, dialect: str) -> None:
    whole = await healthy(server, dialect)
    frames = await played(server, dialect, "binary")
    assert [frame.payload for frame in frames] == [frame.payload for frame in whole]
    assert {frame.opcode for frame in frames} == {BINARY}
    one = await played(server, dialect, {"binary": {"at": "content:2"}})
    assert [frame.opcode for frame in one].count(BINARY) == 1
    assert b"llo" in next(frame.payload for frame in one if frame.opcode == BINARY)


async def test_fragmented(server: MockServer, dialect: str) -> None:
    whole = await healthy(server, dialect)
    frames = await played(server, dialect, {"fragmented": {"pieces": 4, "ping": True}})
    assert said(frames) == said(whole)
    per_message = [frames[at : at + 5] for at in range(0, len(frames), 5)]
    assert len(per_message) == len(whole)
    for group in per_message:
        assert [frame.opcode for frame in group] == [TEXT, PING, CONTINUATION, CONTINUATION, CONTINUATION]
        assert [frame.fin for frame in group] == [False, True, False, False, True]


async def test_fragments_of_lanes_do_not_mix(server: MockServer) -> None:
    session = server.session([{**SLOW, "faults": [{"fragmented": {"pieces": 2, "gap": 0.002}}]}])
    async with connected(session.ws_url) as far:
        for lane in "ab":
            far.say({**TYPED, "stream_id": lane})
        opened, lanes = b"", []
        for number in range(200):
            frame = await far.frame()
            assert frame is not None
            if number == 100:
                far.send(PING, b"now")
                far.say({"type": "ping"})
            if frame.opcode == PONG:
                continue
            assert (frame.opcode == CONTINUATION) == bool(opened)
            opened += frame.payload
            if frame.fin:
                lanes.append(json.loads(opened).get("stream_id"))
                opened = b""
    assert lanes.count("a") > 20
    assert lanes.count("b") > 20
    assert lanes.count(None) == 1, "the pong of JSON, between two messages"


async def test_split_utf8(server: MockServer, dialect: str) -> None:
    whole = await healthy(server, dialect)
    frames = await played(server, dialect, "split-utf8")
    assert said(frames) == said(whole)
    cut = [frame for frame in frames if not frame.fin]
    assert len(cut) == 2
    for frame in cut:
        with pytest.raises(UnicodeDecodeError):
            frame.payload.decode()


async def test_invalid_utf8(server: MockServer, dialect: str) -> None:
    frames = await played(server, dialect, {"invalid-utf8": {"at": "content:2"}})
    spoilt = [frame.payload for frame in frames if b"\xff" in frame.payload]
    assert len(spoilt) == 1
    assert spoilt[0].replace(b"\xff", b"") in [frame.payload for frame in await healthy(server, dialect)]


@pytest.mark.parametrize(("bit", "rsv"), [(1, 4), (2, 2), (3, 1)])
async def test_reserved_bits(server: MockServer, dialect: str, bit: int, rsv: int) -> None:
    frames = await played(server, dialect, {"reserved-bits": {"bit": bit, "at": "content:2"}})
    assert [frame.rsv for frame in frames if frame.rsv] == [rsv]
    assert said(frames) == said(await healthy(server, dialect))


@pytest.mark.parametrize(
    ("fault", "opcode", "fin", "payload"),
    [
        ({"kind": "reserved", "text": "{}"}, 3, True, b"{}"),
        ({"kind": "reserved-control"}, 11, True, b""),
        ({"kind": "continuation", "hex": "00ff", "text": "é"}, CONTINUATION, True, b"\x00\xff\xc3\xa9"),
        ({"kind": "text", "fin": False, "text": "{"}, TEXT, False, b"{"),
        ({"kind": "ping", "size": 126}, PING, True, bytes(126)),
    ],
)
async def test_extra_frame(server: MockServer, dialect: str, fault: Any, opcode: int, fin: bool, payload: bytes) -> None:
    frames = await played(server, dialect, {"extra-frame": {**fault, "at": "content:2"}})
    extra = next(frame for frame in frames if (frame.opcode, frame.fin, frame.payload) == (opcode, fin, payload))
    assert b"llo" in frames[frames.index(extra) - 1].payload
    frames.remove(extra)
    assert said(frames) == said(await healthy(server, dialect))


async def test_an_extra_close_frame_is_the_last(server: MockServer, dialect: str) -> None:
    session = session_of(server, {"extra-frame": {"kind": "close", "hex": "03", "at": "content:2"}})
    async with connected(f"{session.ws_url}?dialect={dialect}") as far:
        frames = await asked(far)
        far.close()
    assert (frames[-1].opcode, frames[-1].payload) == (CLOSE, b"\x03")
    assert "llo" in said(frames).decode()
    assert "wörld" not in said(frames).decode()


async def test_masked(server: MockServer, dialect: str) -> None:
    frames = await played(server, dialect, {"masked": {"at": "content:2"}})
    assert [b"llo" in frame.payload for frame in frames if frame.masked] == [True]
    assert said(frames) == said(await healthy(server, dialect))


async def test_oversize(server: MockServer, dialect: str) -> None:
    frames = await played(server, dialect, {"oversize": {"bytes": 300_000, "at": "content:2"}})
    whole = await healthy(server, dialect)
    assert [len(frame.payload) for frame in frames if len(frame.payload) > 2000] == [300_000]
    assert [frame.payload.rstrip() for frame in frames] == [frame.payload.rstrip() for frame in whole]


async def test_oversize_is_only_announced(server: MockServer) -> None:
    session = session_of(server, {"oversize": {"announced": True, "at": "content:1"}}, {"hang-up": {"at": "end"}})
    async with connected(session.ws_url) as far:
        far.say(ASK)
        received = b""
        while piece := await far.read():
            received += piece
    assert b"\x81\x7f" + (10 * 1024 * 1024 + 1).to_bytes(8, "big") in received
    assert len(received) < 10_000


@pytest.mark.parametrize(("count", "size"), [(1, 0), (50, 4), (5, 125), (2, 126)])
async def test_ping_flood(server: MockServer, dialect: str, count: int, size: int) -> None:
    frames = await played(server, dialect, {"ping-flood": {"count": count, "bytes": size}})
    assert [len(frame.payload) for frame in frames if frame.opcode == PING] == [size] * count
    assert said(frames) == said(await healthy(server, dialect))


async def test_pings_at_intervals(server: MockServer) -> None:
    started = asyncio.get_running_loop().time()
    await played(server, "ws-chunk", {"ping-flood": {"count": 3, "every": 0.05}})
    assert asyncio.get_running_loop().time() - started >= 0.15


async def test_unsolicited_pong(server: MockServer, dialect: str) -> None:
    frames = await played(server, dialect, "unsolicited-pong")
    assert [frame.payload for frame in frames if frame.opcode == PONG] == [b"unsolicited"]


async def test_frame_glue(server: MockServer, dialect: str) -> None:
    session = session_of(server, {"frame-glue": {"count": 3}}, pace={"tokens_per_second": 50})
    async with connected(f"{session.ws_url}?dialect={dialect}") as far:
        far.say(TYPED)
        seen = b""
        while b"rld" not in seen:
            seen += await far.read()
    await session.wait_idle()
    request = session.journal()["requests"][0]
    assert {write["messages"] for write in request["writes"][:-1]} == {3}
    assert said(await played(server, dialect, {"frame-glue": {"count": 3}})) == said(await healthy(server, dialect))


@pytest.mark.parametrize("every", [1, 3, 50])
async def test_frame_split(server: MockServer, dialect: str, every: int) -> None:
    assert await played(server, dialect, {"frame-split": {"every": every}}) == await healthy(server, dialect)


async def test_the_parts_of_a_frame_leave_apart(server: MockServer, dialect: str) -> None:
    fault = {"frame-split": {"every": 5, "gap": 0.01, "at": "content:2"}}
    session = session_of(server, fault, {"ws-close": {"at": "end"}})
    async with connected(f"{session.ws_url}?dialect={dialect}") as far:
        begun = asyncio.get_running_loop().time()
        far.say(TYPED)
        received = await far.read()
        while not received.endswith(b"\x88\x02\x03\xe8"):
            received += await far.read()
        took = asyncio.get_running_loop().time() - begun
    size = next(len(frame.payload) for frame in await healthy(server, dialect) if b'"llo"' in frame.payload)
    assert took >= (size // 5 - 1) * 0.01
    assert sum(write["bytes"] == 5 for write in session.journal()["requests"][0]["writes"]) >= size // 5 - 1


async def test_message_glue(server: MockServer, dialect: str) -> None:
    whole = await healthy(server, dialect)
    frames = await played(server, dialect, {"message-glue": {"count": 2, "separator": "\n"}})
    payloads = [frame.payload for frame in whole]
    assert [frame.payload for frame in frames] == [b"\n".join(payloads[at : at + 2]) for at in range(0, len(payloads), 2)]


async def test_message_split(server: MockServer, dialect: str) -> None:
    whole = await healthy(server, dialect)
    frames = await played(server, dialect, {"message-split": {"pieces": 3}})
    assert said(frames) == said(whole)
    assert len(frames) == 3 * len(whole)
    for frame in frames:
        frame.payload.decode()
        assert (frame.opcode, frame.fin) == (TEXT, True)


async def test_done_sentinel(server: MockServer) -> None:
    frames = await played(server, "ws-chunk", "done-sentinel")
    assert [frame.payload for frame in frames] == [*(frame.payload for frame in await healthy(server, "ws-chunk")), b"[DONE]"]


async def test_faults_compose_with_compression(server: MockServer) -> None:
    session = session_of(server, {"fragmented": {"at": "content:1"}}, {"message-split": {"at": "content:2"}})
    async with connected(session.ws_url, "Sec-WebSocket-Extensions: permessage-deflate") as far:
        far.say(TYPED)
        text = ""
        while '"done"' not in text:
            text += await far.text()
    assert all(json.dumps(each, ensure_ascii=False) in text for each in TEXTS)


@pytest.mark.parametrize("fault", ["split-utf8", {"fragmented": {"at": "reasoning:1"}}, {"ws-close": {"at": "error"}}])
async def test_what_cannot_fire_is_journalled(server: MockServer, fault: Any) -> None:
    session = server.session([{"answer": {"content": ["plain"]}, "faults": [fault]}])
    async with connected(session.ws_url) as far:
        far.say(TYPED)
        await far.until("done")
    assert session.journal()["requests"][0]["unfired"] == [fault if isinstance(fault, str) else next(iter(fault))]


# Reactions


@pytest.mark.parametrize(
    ("fault", "answers"),
    [
        ({"pong": "never"}, []),
        ({"pong": {"how": "late", "delay": 0.1}}, [b"abc"]),
        ({"pong": "wrong"}, [bytes(byte ^ 0xFF for byte in b"abc")]),
    ],
)
async def test_pong(server: MockServer, fault: Any, answers: list[bytes]) -> None:
    session = session_of(server, fault)
    async with connected(session.ws_url) as far:
        started = asyncio.get_running_loop().time()
        far.send(PING, b"abc")
        await asyncio.sleep(0.15)
        far.say({"type": "ping"})
        seen = []
        while (frame := await far.frame()) is not None and frame.opcode != TEXT:
            seen.append(frame.payload)
        assert seen == answers
        assert asyncio.get_running_loop().time() - started >= 0.15


async def test_json_pong(server: MockServer) -> None:
    async with connected(session_of(server, {"json-pong": False}).ws_url) as far:
        far.say({"type": "ping"})
        far.say(TYPED)
        assert (await far.json())["type"] == "content_delta"


async def paused(far: Far, seconds: float) -> tuple[list[Any], list[Any], list[Any]]:
    """What came before a pause, in it, and after the resume (until a ping that is sent half a second later is answered)."""
    far.say(TYPED)
    before = [await far.json() for _ in range(5)]
    far.say({"type": "pause"})
    far.say({"type": "ping"})
    before += (await far.until("pong"))[:-1]
    await asyncio.sleep(seconds)
    far.say({"type": "resume"})
    far.say({"type": "ping"})
    during = (await far.until("pong"))[:-1]
    await asyncio.sleep(0.3)
    far.say({"type": "ping"})
    return before, during, (await far.until("pong"))[:-1]


@pytest.mark.parametrize("how", ["ignore", "lose", "repeat", "drop"])
async def test_pause(server: MockServer, how: str) -> None:
    session = server.session([{**SLOW, "faults": [{"pause": how}]}])
    async with connected(session.ws_url) as far:
        before, during, after = await paused(far, 0.3)
    last = int(content(before).split()[-1])
    first = content([*during, *after]).split()
    if how == "lose":
        assert first == []
    elif how == "ignore":
        assert len(during) >= 20
        assert int(first[0]) == last + 1
    elif how == "repeat":
        assert [int(each) for each in first[:2]] == [last, last + 1]
    else:
        assert int(first[0]) >= last + 20
        assert [int(each) for each in first] == list(range(int(first[0]), int(first[0]) + len(first)))


async def test_acknowledge(server: MockServer) -> None:
    async with connected(session_of(server, "acknowledge").ws_url) as far:
        far.say({"type": "pause"})
        assert await far.json() == {"type": "paused"}
        far.say({"type": "resume"})
        assert await far.json() == {"type": "resumed"}


async def test_close_unanswered(server: MockServer) -> None:
    session = session_of(server, "close-unanswered")
    async with connected(session.ws_url) as far:
        far.say(TYPED)
        await far.until("done")
        far.close()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.3):
                await far.reader.read(1)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"idle": {"seconds": 0.2}}, 1000),
        ({"idle": {"seconds": 0.2, "code": 4408, "reason": "Idle"}}, 4408),
        ({"reap": {"seconds": 0.1, "every": 0.2}}, 1000),
    ],
)
async def test_idle(server: MockServer, fault: Any, code: int) -> None:
    session = session_of(server, fault)
    async with connected(session.ws_url) as far:
        started = asyncio.get_running_loop().time()
        frame = await far.frame()
        assert frame is not None
        assert (frame.code, frame.reason) == (code, "Idle" if code == 4408 else "Timeout")
        assert asyncio.get_running_loop().time() - started >= 0.19
        far.close(code)
        assert await far.ended()


@pytest.mark.parametrize(
    ("fault", "cut"),
    [
        ({"idle": {"seconds": 0.2}}, False),
        ({"idle": {"seconds": 0.2, "clock": "client"}}, True),
        ({"reap": {"seconds": 0.15, "every": 0.1}}, True),
    ],
)
async def test_whose_activity_counts(server: MockServer, fault: Any, cut: bool) -> None:
    session = server.session([{"answer": {"content": ["x"] * 40}, "pace": {"tokens_per_second": 100}, "faults": [fault]}])
    async with connected(session.ws_url) as far:
        frames = await asked(far)
    assert frames[-1].opcode == CLOSE
    assert any(b'"done"' in frame.payload for frame in frames) != cut


async def test_a_pause_is_no_activity(server: MockServer) -> None:
    session = server.session([{**SLOW, "faults": [{"idle": {"seconds": 0.2}}]}])
    async with connected(session.ws_url) as far:
        far.say(TYPED)
        await far.json()
        far.say({"type": "pause"})
        assert (await far.frames())[-1].code == 1000


async def test_max_age(server: MockServer) -> None:
    session = server.session([{**SLOW, "faults": [{"max-age": 0.2}]}])
    async with connected(session.ws_url) as far:
        *frames, error, close = await asked(far)
        assert content([frame.json for frame in frames])
        assert error.json["error"]["code"] == "websocket_connection_limit_reached"
        assert (close.code, close.reason) == (1001, "Your session hit the maximum duration of 0.2 seconds.")


async def test_max_message(server: MockServer) -> None:
    async with connected(session_of(server, {"max-message": 1000}).ws_url) as far:
        far.send(TEXT, b'{"type":"ping"}'.ljust(1000))
        assert await far.json() == {"type": "pong"}
        far.send(TEXT, b'{"type":"ping"}'.ljust(1001))
        frame = await far.frame()
        assert frame is not None
        assert frame.code == 1009


async def test_a_large_message_may_be_answered_by_a_reset(server: MockServer) -> None:
    async with connected(session_of(server, {"max-message": {"bytes": 1000, "act": "reset"}}).ws_url) as far:
        far.send(TEXT, b'{"type":"ping"}'.ljust(1001))
        with pytest.raises(ConnectionResetError):
            await far.read()


async def test_server_full(server: MockServer) -> None:
    session = server.session([{"faults": ["server-full"]}, {"answer": {"content": ["in"]}}])
    async with connected(session.ws_url) as far:
        frame = await far.frame()
        assert frame is not None
        assert (frame.opcode, frame.code, frame.reason) == (CLOSE, 1001, "Server full")
        far.close(1001)
        assert await far.ended()
    async with connected(session.ws_url) as far:
        far.say(TYPED)
        assert content(await far.until("done")) == "in"
    assert [request["turn"] for request in session.journal()["requests"]] == [0, 1]


async def test_no_compression(server: MockServer) -> None:
    async with connected(session_of(server, "no-compression").ws_url, "Sec-WebSocket-Extensions: permessage-deflate") as far:
        assert "sec-websocket-extensions" not in far.fields


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ("Sec-WebSocket-Accept", None),
        ("Sec-WebSocket-Extensions", "x-nobody-offered"),
        ("Sec-WebSocket-Protocol", "nobody.asked"),
        ("Upgrade", "h2c"),
        ("Upgrade", None),
        ("Connection", "keep-alive"),
    ],
)
async def test_handshake_header(server: MockServer, name: str, value: str | None) -> None:
    """The field is as told, the others are not touched, and behind the 101 the server speaks WebSocket all the same."""
    own = {"upgrade": "websocket", "connection": "upgrade", "sec-websocket-accept": None}
    async with connected(session_of(server, {"handshake-header": {"name": name, "value": value}}).ws_url) as far:
        assert far.fields.get(name.lower()) == value
        others = set(own) - {name.lower()}
        assert {field for field in far.fields if field in own or field.startswith("sec-websocket")} - {name.lower()} == others
        assert all(far.fields[field] == own[field] for field in others if own[field])
        far.say(TYPED)
        assert content(await far.until("done")) == "".join(TEXTS)


def test_a_101_has_a_connection_field(server: MockServer) -> None:
    with pytest.raises(AuthorError, match="always has a Connection field"):
        session_of(server, {"handshake-header": {"name": "Connection"}})


async def lagging(session: MockSession) -> tuple[socket.socket, bytes]:
    """Ask from a socket with a small receive buffer, and read nothing for a while."""
    host, port = session.server.origin.removeprefix("http://").split(":")
    bare = socket.socket()
    bare.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    bare.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(bare, (host, int(port)))
    path = f"/s/{session.key}/v1/ws/chat?key=k"
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    await loop.sock_sendall(bare, head.encode() + b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
    await loop.sock_recv(bare, 1000)
    data = json.dumps(TYPED).encode()
    await loop.sock_sendall(bare, bytes((0x81, 0xFE)) + len(data).to_bytes(2, "big") + b"\0\0\0\0" + data)
    await asyncio.sleep(0.8)
    received = b""
    try:
        async with asyncio.timeout(3):
            while piece := await loop.sock_recv(bare, 65536):
                received += piece
                if received.endswith(b'"finish_reason":"stop"}'):
                    break
    except ConnectionResetError:
        received += b"RST"
    return bare, received


@pytest.mark.parametrize("act", ["close", "reset", "drop-oldest"])
async def test_slow_consumer(server: MockServer, act: str) -> None:
    long = {"content": [f"{n:05}" + "x" * 1000 for n in range(300)]}
    faults = [{"slow-consumer": {"act": act, "bytes": 8192, "seconds": 0.2}}, {"small-buffers": 4096}]
    session = server.session([{"answer": long, "pace": {"tokens_per_second": 1000}, "faults": faults}])
    bare, received = await lagging(session)
    bare.close()
    await session.wait_idle()
    request = session.journal()["requests"][0]
    assert request["unsent"] < 64 * 1024, "what waits in user space is bounded"
    assert "lagging" in [each["what"] for each in request["happenings"]]
    if act == "close":
        assert received.endswith(b"\x88\x0f\x03\xf5Slow consumer")
    elif act == "reset":
        assert received.endswith(b"RST")
    else:
        numbers = [int(part[:5]) for part in received.decode("utf-8", "replace").split('"content":"')[1:]]
        assert numbers[:5] == [0, 1, 2, 3, 4]
        assert numbers[-1] == 299
        assert len(numbers) < 300, "some were dropped"
        assert numbers == sorted(numbers)
        assert received.endswith(b'"finish_reason":"stop"}')


@pytest.mark.parametrize(("act", "how"), [("close", "hangup"), ("reset", "reset")])
async def test_slow_consumer_of_an_event_stream(server: MockServer, act: str, how: str) -> None:
    faults = [{"slow-consumer": {"act": act, "bytes": 8192, "seconds": 0.2}}, {"small-buffers": 4096}, {"repeat": {"times": 3000}}]
    session = session_of(server, *faults)
    host, port = server.origin.removeprefix("http://").split(":")
    bare = socket.socket()
    bare.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    bare.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(bare, (host, int(port)))
    data = json.dumps(ASK).encode()
    head = f"POST /s/{session.key}/v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n"
    await loop.sock_sendall(bare, f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
    await server.until(lambda: any(request["ended_at"] for request in session.journal()["requests"]), 10)
    bare.close()
    request = session.journal()["requests"][0]
    assert (request["ended_by"], request["ended_how"]) == ("server", how)
    assert "lagging" in [each["what"] for each in request["happenings"]]


async def test_overlap_is_refused(server: MockServer) -> None:
    session = server.session([{**SLOW, "faults": ["overlap"]}])
    async with connected(session.ws_url) as far:
        far.say(TYPED)
        await far.json()
        far.say(TYPED)
        error = (await far.until("error"))[-1]
        assert error["error"]["code"] == "conversation_already_has_active_response"
        assert (await far.json())["type"] == "content_delta"
    assert server.upstream.find(session.key).taken == 1


async def test_overlap_is_interleaved(server: MockServer) -> None:
    session = server.session([{**SLOW, "faults": [{"overlap": "interleave"}]}])
    async with connected(session.ws_url) as far:
        far.say(TYPED)
        await far.json()
        far.say(TYPED)
        texts = [(await far.json())["content"] for _ in range(60)]
    assert texts.count("10 ") == 2
