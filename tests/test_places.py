"""Places are named by meaning: rows of a place, and what stands before and after it."""

from __future__ import annotations

import pytest

from mockserver.places import Place, PlaceError, parse, split
from mockserver.steps import End, HangUp, Head, Message, Reset, Timeline, Wait

HEAD = Head()
ROLE, HEL, LO = Message(b"[role]", "opening"), Message(b"[Hel]", "content"), Message(b"[lo]", "content")
OTHER = Message(b"[other choice]", "content", choice=1)
FINISH, DONE = Message(b"[finish]", "finish"), Message(b"[DONE]", "done")
TIMELINE: Timeline = (HEAD, ROLE, HEL, OTHER, Wait(1.0), LO, FINISH, DONE, End())


@pytest.mark.parametrize(
    "text", ["start", "head", "opening", "content:3", "tool:1", "finish", "inside:content:2", "byte:0", "time:1.5s", "end"]
)
def test_a_place_reads_back_as_it_was_written(text: str) -> None:
    assert str(parse(text)) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("contnet:1", "did you mean 'content'"),
        ("content:0", "'content:0' is not a place"),
        ("finish:2", "'finish:2' is not a place"),
        ("byte:-1", "'byte:-1' is not a place"),
        ("time:3", "'time:3' is not a place"),
        ("inside:head", "'inside:head' is not a place"),
        ("", "'' is not a place"),
    ],
)
def test_what_is_not_a_place_is_told(text: str, told: str) -> None:
    with pytest.raises(PlaceError, match=told):
        parse(text)


def before(place: str, timeline: Timeline = TIMELINE) -> bytes | None:
    """The payload that stands before a place."""
    parts = split(timeline, parse(place))
    return None if parts is None else b"".join(step.data for step in parts[0] if isinstance(step, Message))


@pytest.mark.parametrize(
    ("place", "payload"),
    [
        ("start", b""),
        ("head", b""),
        ("opening", b"[role]"),
        ("content:1", b"[role][Hel]"),
        ("content:2", b"[role][Hel][other choice][lo]"),
        ("content:3", None),
        ("tool:1", None),
        ("finish", b"[role][Hel][other choice][lo][finish]"),
        ("done", b"[role][Hel][other choice][lo][finish][DONE]"),
        ("end", b"[role][Hel][other choice][lo][finish][DONE]"),
        ("inside:content:1", b"[role][H"),
        ("byte:0", b""),
        ("byte:3", b"[ro"),
        ("byte:6", b"[role]"),
        ("byte:9999", None),
        ("time:0.4s", b"[role][Hel][other choice]"),
        ("time:9s", None),
    ],
)
def test_what_stands_before_a_place(place: str, payload: bytes | None) -> None:
    assert before(place) == payload


@pytest.mark.parametrize("place", ["start", "head", "opening", "content:2", "inside:content:2", "byte:7", "time:0.5s", "finish", "end"])
def test_a_cut_loses_nothing(place: str) -> None:
    parts = split(TIMELINE, parse(place))
    assert parts is not None
    whole = [*parts[0], *parts[1]]
    assert b"".join(step.data for step in whole if isinstance(step, Message)) == b"".join(
        step.data for step in TIMELINE if isinstance(step, Message)
    )
    assert sum(step.seconds for step in whole if isinstance(step, Wait)) == 1.0


def test_the_end_is_behind_the_end_step_and_a_stream_without_one_has_none() -> None:
    assert split(TIMELINE, Place("end")) == (TIMELINE, ())
    assert split((HEAD, HEL, HangUp()), Place("end")) is None


def test_half_a_message_carries_no_mark_and_the_rest_completes_it() -> None:
    parts = split((LO, Reset()), parse("inside:content:1"))
    assert parts == ((Message(b"[l", None, total=4),), (Message(b"o]", "content", offset=2, total=4), Reset()))
