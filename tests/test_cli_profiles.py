"""`streamproof profiles`, `explain` and `lint`, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mockserver.cli import main
from mockserver.profiles import Shelf


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


def profile(folder: Path, name: str, turns: str) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(f"title: T\nwhy: W\nturns:\n{turns}", encoding="utf-8")
    return path


def test_the_list_is_the_default_and_names_every_profile() -> None:
    lines = run("profiles").output.splitlines()
    assert [line.split()[0] for line in lines] == list(Shelf().names())
    assert run("profiles", "list").output.splitlines() == lines


@pytest.mark.parametrize(
    ("seen", "name"),
    [
        ("my stream stopped without an error", "stops-without-error"),
        ("connection reset", "reset-mid-stream"),
        ("HTML page with status 200", "html-page"),
        ("nginx buffering", "buffered-by-nginx"),
        ("key revoked while streaming", "revoked-mid-stream"),
        ("2g", "2g"),
        ("hangs forever in mid-stream", "silent-mid-stream"),
        ("ECONNRESET", "reset-mid-stream"),
        ("socket hang up", "closed-before-head"),
        ("Premature close", "fin-mid-chunk"),
        ("incomplete chunked read", "fin-mid-chunk"),
        ("PoolTimeout", "pool-exhausted"),
        ("certificate verify failed", "tls-expired"),
        ("closed with 1006", "no-close-frame"),
        ("duplicate text", "partial-then-whole"),
    ],
)
def test_a_description_finds_its_profile_among_the_first(seen: str, name: str) -> None:
    lines = run("profiles", "list", "--search", seen).output.splitlines()
    assert name in [line.split()[0] for line in lines[:3]]
    assert len(lines) < 40, "what has next to nothing in common with it is left out"


def test_only_what_has_the_tag_is_listed() -> None:
    shelf = Shelf()
    names = [line.split()[0] for line in run("profiles", "list", "--tag", "network").output.splitlines()]
    assert names == [name for name in shelf.names() if "network" in shelf.profile(name).tags]
    assert names


def test_nothing_found_is_said() -> None:
    found = run("profiles", "list", "--search", "zzzzqqq")
    assert (found.exit_code, found.output) == (1, "Error: no profile matches; `streamproof profiles` lists them all\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("list", "--tag", "toxiprox"), "no profile has the tag 'toxiprox'; did you mean 'toxiproxy'?; known: "),
        (("list", "--tag", "toxiproxy", "--tag", "nobody has this"), "no profile has the tag 'nobody has this'; known: "),
        (("show", "nobody has this"), "no profile named 'nobody has this'; `streamproof profiles` lists them"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(arguments: tuple[str, ...], told: str) -> None:
    found = run("profiles", *arguments)
    assert (found.exit_code, found.stdout) == (1, "")
    assert told in found.stderr


def test_a_folder_without_a_profile_is_not_valid(tmp_path: Path) -> None:
    (tmp_path / "profile.yml").touch()
    found = run("profiles", "validate", str(tmp_path))
    assert (found.exit_code, found.stdout) == (1, "")
    assert f"there is no profile in {tmp_path}: wanted files that end in .yaml" in found.stderr


def test_show_prints_the_file() -> None:
    path = Shelf().paths()["reset-mid-stream"]
    assert run("profiles", "show", "reset-mid-stream").output == f"# {path}\n{path.read_text()}"
    unknown = run("profiles", "show", "reset-mid-steam")
    assert unknown.exit_code == 1
    assert unknown.output.startswith("Error: no profile named 'reset-mid-steam'; did you mean 'reset-mid-stream'?; ")


def test_a_folder_of_ones_own_comes_first(tmp_path: Path) -> None:
    path = profile(tmp_path, "reset-mid-stream", "  - {}\n")
    assert run("profiles", "show", "reset-mid-stream", "--profiles", str(tmp_path)).output.startswith(f"# {path}\n")
    assert "reset-mid-stream" in run("profiles", "list", "--profiles", str(tmp_path)).output


def test_the_shipped_profiles_are_valid() -> None:
    assert run("profiles", "validate").output == f"{len(Shelf().names())} profiles, all valid\n"


def test_every_mistake_is_told_with_its_line(tmp_path: Path) -> None:
    first = profile(tmp_path, "one", "  - faults:\n      - rest: {at: content:3}\n      - stall: {seconds: soon}\n")
    second = profile(tmp_path, "two", "  - faults:\n      - reset: {at: accept}\n")
    good = profile(tmp_path, "good", "  - {}\n")
    found = run("profiles", "validate", str(tmp_path))
    assert found.exit_code == 1
    assert f"{first}:5: turns.0.faults.0: no fault named 'rest'; did you mean 'reset'?" in found.output
    assert f"{first}:6: turns.0.faults.1.stall.seconds: 'soon' is not a time" in found.output
    assert f"{second}:5: " in found.output
    assert "wanted `door: reset` in the turn" in found.output
    assert found.output.splitlines()[-1] == "Error: 3 mistakes"
    assert run("profiles", "validate", str(good)).output == "1 profile, all valid\n"


def test_explain_prints_times_bytes_and_a_line_to_type(tmp_path: Path) -> None:
    path = profile(
        tmp_path,
        "mine",
        "  - answer: {content: [Hel, lo]}\n    pace: {ttft: 0.5, tokens_per_second: 10}\n"
        "    faults:\n      - reset: {at: content:2}\n  - {}\n",
    )
    lines = run("explain", str(path)).output.splitlines()
    assert lines[0] == "mine: T"
    rows = [line.split()[:5] for line in lines if " s " in line and line.startswith("  ")]
    first = rows[: rows.index(["0.600", "s", "reset", "RST"]) + 1]
    assert [(row[0], row[4] if row[3] == "B" else row[2]) for row in first] == [
        ("0.000", "head"),
        ("0.500", "opening"),
        ("0.500", "content"),
        ("0.600", "content"),
        ("0.600", "reset"),
    ]
    assert "request 2 of 2 (sse, openai)" in lines
    assert lines[-1].startswith("curl -iN http://127.0.0.1:8080/p/mine/v1/chat/completions ")
    assert "\x1b" not in "".join(lines)


def test_explain_speaks_other_dialects_and_flavours() -> None:
    text = run("explain", "reset-mid-stream", "--dialect", "ws-typed", "--flavour", "openrouter").output
    assert "(ws-typed, openrouter)" in text
    assert text.splitlines()[-1].startswith(
        "python -m websockets 'ws://127.0.0.1:8080/p/reset-mid-stream/v1/ws/chat?key=any&dialect=ws-typed'"
    )


def test_explain_tells_what_chance_drew(tmp_path: Path) -> None:
    path = profile(tmp_path, "mine", "  - faults:\n      - reset: {at: content:2, chance: 0.5}\n")
    texts = [run("explain", str(path), "--seed", str(seed)).output for seed in range(9)]
    said = {text.partition("chance of 0.5: ")[2].partition(" with")[0] for text in texts}
    assert said == {"drawn", "not drawn"}


def test_explain_refuses_an_unknown_flavour() -> None:
    found = run("explain", "reset-mid-stream", "--flavour", "opena")
    assert (found.exit_code, found.output.startswith("Error: no flavour named 'opena'; did you mean 'openai'?; known: ")) == (1, True)


def test_explain_refuses_a_dialect_without_meaning() -> None:
    found = run("explain", "reset-mid-stream", "--dialect", "json")
    assert (found.exit_code, found.output.startswith("Error: 'reset-mid-stream' has no meaning on json; it has one on")) == (1, True)
    assert run("explain", "reset-mid").output.startswith("Error: no profile and no file 'reset-mid'; did you mean 'reset-mid-stream'?; ")


def test_a_door_is_explained_with_how_to_get_a_port() -> None:
    text = run("explain", "refused-at-first").output
    assert "the door: refuse" in text
    assert '"own_port": true' in text.splitlines()[-1]


@pytest.mark.parametrize("name", Shelf().names())
def test_every_profile_can_be_explained(name: str) -> None:
    assert run("explain", name).exit_code == 0


def chunk(**choice: object) -> str:
    body = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [{"index": 0, **choice}]}
    return f"data: {json.dumps(body)}\n\n"


GOOD = (
    chunk(delta={"role": "assistant", "content": ""}, finish_reason=None)
    + chunk(delta={"content": "Hi"}, finish_reason=None)
    + chunk(delta={}, finish_reason="stop")
    + "data: [DONE]\n\n"
)


def test_lint_tells_where_and_exits_by_severity(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.txt", tmp_path / "bad.txt"
    good.write_text(GOOD)
    bad.write_text(GOOD.removesuffix("data: [DONE]\n\n"))
    assert run("lint", str(good), "--flavour", "groq").exit_code == 0
    found = run("lint", str(good), str(bad))
    assert found.exit_code == 1
    assert f"{bad}: " in found.output
    assert "[DONE]" in found.output
    assert "2 streams" in found.output


def test_lint_refuses_an_unknown_flavour(tmp_path: Path) -> None:
    file = tmp_path / "good.txt"
    file.write_text(GOOD)
    found = run("lint", str(file), "--flavour", "grok")
    assert found.exit_code == 1
    assert "did you mean 'groq'?" in found.output
