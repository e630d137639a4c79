"""The kit's commands as somebody types them who does not know them yet, and as shells and terminals treat them."""

from __future__ import annotations

import json
import os
import pty
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click
import psutil
import pytest
from click.testing import CliRunner, Result

from conformance import clients
from conformance.case import corpus
from conformance.verdict import ADAPTER_BROKEN, FAILED, TOO_LITTLE, USAGE, Verdict
from mockserver.cli import main
from tests.made_report import case, made

KIT = (sys.executable, "-m", "conformance")
GOOD = shlex.join([sys.executable, str(clients.template("python"))])
AZURE = "L1.flavour.azure"
"""A case that the template of an adapter fails."""
SLOW = (*KIT, "check", "--client", "reference-python", "--level", "L3")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


def piped(command: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A line of a shell, which ends as the first of its pipe does."""
    kit = shlex.join(KIT)
    line = f"{command.replace('streamproof', kit)}; exit ${{PIPESTATUS[0]}}"
    return subprocess.run(["bash", "-c", line], env={**os.environ, **environment}, capture_output=True, check=False)


# Asked for what is not there


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("cases", "show", "L2.truncation.clean-eov"), "did you mean 'L2.truncation.clean-eof'?"),
        (("cases", "serve", "L9"), "no case 'L9'; `streamproof cases` lists them all"),
        (("cases", "serve", "L1.eol.cr", "--dialect", "ws-chunk"), "L1.eol.cr is not run over 'ws-chunk'; there is sse"),
        (("cases", "serve", "L1.eol.cr", "--port", "99999"), "99999 is not in the range"),
        (("cases", "list", "--level", "L9"), "'L9' is not one of 'L0', 'L1'"),
        (("cases", "list", "--search", "no case says this"), "no case matches; `streamproof cases` lists them all"),
        (("cases", "export", "-o", "/proc/nowhere/x"), "cannot write /proc/nowhere/x: No such file or directory"),
        (("museum", "htpx"), "no exhibit matches 'htpx'; did you mean 'httpx'?; `streamproof museum --list` lists them"),
        (("check", "--client", GOOD, "--level", "L1", "--case", "L2.*"), "no case of L1 matches 'L2.*'"),
        (("check", "--client", GOOD, "--case", "L9*"), "no case matches 'L9*'; `streamproof cases` lists them"),
        (("check", "--client", GOOD, "--known-failing", __file__ + "x"), "does not exist"),
        (("merge", __file__), "not JSON"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(arguments: tuple[str, ...], told: str) -> None:
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (USAGE, ""), done.output
    assert told in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [("explain",), ("profiles", "validate"), ("merge",), ("check", "--client", GOOD, "--known-failing")])
def test_a_file_that_is_no_text_is_told(command: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "picture.yaml"
    file.write_bytes(b"\x89PNG\r\n\xc7")
    done = run(*command, file)
    assert done.exit_code in (1, USAGE)
    assert isinstance(done.exception, SystemExit)
    assert f"{file}:1: " in done.stderr
    assert "can't decode byte 0x89" in done.stderr


def test_a_port_in_use_is_told() -> None:
    with subprocess.Popen([*KIT, "cases", "serve", AZURE, "--port", "0"], stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout
        port = first.stdout.readline().split("/")[2].partition(":")[2]
        done = run("cases", "serve", AZURE, "--port", port)
        first.terminate()
    assert done.exit_code == USAGE, done.output
    assert f"cannot listen on port {port}" in done.stderr
    assert "--port 0 takes a free one" in done.stderr


def test_a_script_that_is_no_command_is_told_how_to_run_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("adapter.py").write_text("", "utf-8")
    done = run("check", "--client", "adapter.py")
    assert (done.exit_code, done.stderr) == (
        USAGE,
        "'adapter.py' is a file and no command: name what runs it, such as 'python3 adapter.py'\n",
    )
    here = run("check", "--client", "./adapter.py")
    assert here.exit_code == ADAPTER_BROKEN
    assert "cannot start './adapter.py': it is not executable; name what runs it" in here.output
    absent = run("check", "--client", "./other.py")
    assert "cannot start './other.py': No such file or directory\n" in absent.output


def test_a_cache_that_cannot_be_written_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    for arguments in (("clients", "install", "httpx-sse"), ("check", "--client", "httpx-sse")):
        done = run(*arguments)
        assert done.exit_code == USAGE, done.output
        assert "cannot write into /proc/nowhere/streamproof/clients: No such file or directory" in done.stderr


# Asked for what then does not run


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--transport", "ws"), "exit 3: nothing ran: the client declares sse"),
        (("--case", "L1.eol.crlf", "--transport", "sse"), "exit 0"),
        (("--case", "L2.ws.*"), "exit 3: nothing that was asked for ran: it is over ws"),
        (("--case", "L0.happy"), "exit 0"),
        (("--level", "L0"), "exit 0"),
    ],
)
def test_what_was_asked_for_and_did_not_run_is_not_green(arguments: tuple[str, ...], told: str) -> None:
    done = run("check", "--client", GOOD, *arguments)
    assert told in done.stdout
    assert done.exit_code == (0 if told == "exit 0" else TOO_LITTLE)


# Help


def groups(command: click.Command, *path: str) -> Iterator[tuple[str, ...]]:
    if isinstance(command, click.Group):
        yield path
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from groups(inner, *path, name)


@pytest.mark.parametrize("path", list(groups(main)), ids=" ".join)
def test_the_lists_of_commands_say_whole_sentences(path: tuple[str, ...]) -> None:
    listed = CliRunner().invoke(main, [*path, "--help"], terminal_width=80).output.partition("Commands:")[2]
    assert listed.count("\n") > 3
    assert "..." not in listed


def test_the_columns_of_the_clients_stand_under_each_other() -> None:
    lines = run("clients").stdout.splitlines()
    assert len(lines) > 10
    assert len({len(line) - len(line.split(maxsplit=1)[1]) for line in lines}) == 1


# Pipes, encodings


@pytest.mark.parametrize("command", ["cases list", "cases export", "museum --list"])
def test_a_reader_that_has_seen_enough_is_no_error(command: str) -> None:
    done = piped(f"streamproof {command} | head -1")
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == b""


def test_reports_are_written_and_the_verdict_stands_when_nobody_reads_on(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = piped(f"streamproof check --client {shlex.quote(GOOD)} --case {AZURE} --json {report} | true")
    assert (done.returncode, done.stderr) == (FAILED, b"")
    assert json.loads(report.read_text("utf-8"))["exit"]["code"] == FAILED


@pytest.mark.parametrize("command", ["cases serve L0.happy --port 0", "record --upstream http://127.0.0.1:9 -o /dev/null"])
def test_a_server_whose_url_nobody_reads_ends(command: str) -> None:
    done = piped(f"streamproof {command} | true")
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("cases list", 1),
        ("cases serve L0.happy --port 0", 1),
        ("record --upstream http://127.0.0.1:9 -o /dev/null", 1),
        ("profiles list", 1),
        ("explain reset-mid-stream", 1),
        (f"check --client {shlex.quote(GOOD)} --level L0", USAGE),
    ],
)
def test_a_disk_that_is_full_is_told(command: str, code: int) -> None:
    done = piped(f"streamproof {command} >/dev/full")
    assert (done.returncode, done.stdout) == (code, b"")
    assert done.stderr.endswith(b"the output cannot be written: No space left on device\n")
    assert b"Traceback" not in done.stderr


def test_what_a_terminal_has_no_letters_for_is_no_error(tmp_path: Path) -> None:
    latin = {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    smiling = next(each for each in corpus() if each.path and "\N{WAVING HAND SIGN}" in each.path.read_text("utf-8"))
    assert smiling.path
    shown = piped(f"streamproof cases show {smiling.id}", **latin)
    assert (shown.returncode, shown.stdout) == (0, smiling.path.read_bytes())
    exported = piped("streamproof cases export", **latin)
    assert "\N{WAVING HAND SIGN}" in json.dumps(json.loads(exported.stdout), ensure_ascii=False)
    report = tmp_path / "report.json"
    report.write_text(json.dumps(made(case(Verdict.FAIL))), "utf-8")
    merged = piped(f"streamproof merge {report}", **latin)
    assert (merged.returncode, merged.stderr) == (0, b"")
    assert b"| ? fail: told |" in merged.stdout


def test_files_of_the_kit_are_utf_8_whatever_the_locale_says() -> None:
    elsewhere = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done = piped("streamproof cases list", **elsewhere)
    assert (done.returncode, done.stderr) == (0, b"")


# Signals


@contextmanager
def judging(**options: int) -> Iterator[subprocess.Popen[bytes]]:
    """A check as soon as its client has been started. What a shell starts in the background ignores SIGINT, and so would what it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    started = subprocess.Popen(SLOW, **options, start_new_session=True)  # type: ignore[call-overload]
    signal.signal(signal.SIGINT, before)
    with started as kit:
        deadline = time.monotonic() + 30
        while not [each for each in psutil.Process(kit.pid).children() if each.name() != "sh"] and time.monotonic() < deadline:
            time.sleep(0.05)
        yield kit


@pytest.mark.parametrize(("number", "told"), [(signal.SIGINT, b"interrupted\n"), (signal.SIGTERM, b"")])
def test_a_check_that_is_stopped_says_so_and_leaves_nothing_behind(number: signal.Signals, told: bytes) -> None:
    with judging(stdout=subprocess.PIPE, stderr=subprocess.PIPE) as kit:
        children = psutil.Process(kit.pid).children(recursive=True)
        kit.send_signal(number)
        stdout, stderr = kit.communicate(timeout=20)
    assert (kit.returncode, stdout, stderr) == (128 + number, b"", told)
    gone, alive = psutil.wait_procs(children, timeout=5)
    assert gone
    assert not alive


def rest(terminal: int) -> bytes:
    """What is still shown on a terminal until nobody writes to it any more, which is an error to its reader (pty(7))."""
    shown = b""
    with suppress(OSError):
        while piece := os.read(terminal, 4096):
            shown += piece
    os.close(terminal)
    return shown


def test_ctrl_c_gives_a_terminal_its_cursor_back() -> None:
    ours, theirs = pty.openpty()
    with judging(stdout=theirs, stderr=theirs) as kit:
        os.close(theirs)
        shown = b""
        while b"judging" not in shown:
            shown += os.read(ours, 4096)
        kit.send_signal(signal.SIGINT)
        shown += rest(ours)
    assert kit.returncode == 130
    hidden, seen = shown.rfind(b"\x1b[?25l"), shown.rfind(b"\x1b[?25h")
    assert 0 <= hidden < seen
    assert b"interrupted" in shown


@pytest.mark.parametrize("columns", ["20", "200"])
def test_a_terminal_without_colours_gets_none_and_long_lines_whole(columns: str) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": columns, "TERM": "xterm"}
    command = [*KIT, "check", "--client", GOOD, "--case", AZURE]
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, env=environment):
        os.close(theirs)
        shown = rest(ours)
    assert b"exit 1: a MUST is broken" in shown
    assert f"replay it: streamproof cases serve {AZURE}".encode() in shown
    assert not [code for code in (b"\x1b[31m", b"\x1b[1;31m", b"\x1b[32m", b"\x1b[33m") if code in shown]
