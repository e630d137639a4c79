"""A gateway is judged by what comes through it: an honest one passes, and one that masks, hides or holds back does not."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from conformance import case, gateway, packages
from mockserver.cli import main

TINY = Path(__file__).parent / "tiny_gateway.py"
CASES = ("L2.truncation.clean-eof", "L1.delivery.at-once", "L2.in-band.nested", "L4.cancel.between-events")


def check(folder: Path, *flaws: str, cases: tuple[str, ...] = CASES, more: tuple[str, ...] = ()) -> tuple[Result, dict[str, Any]]:
    command = f"{shlex.join([sys.executable, str(TINY)])} {{upstream}} {{port}} {' '.join(flaws)}"
    file = folder / "report.json"
    chosen = [word for each in cases for word in ("--case", each)]
    done = CliRunner().invoke(main, ["check", "--gateway", command, *chosen, *more, "--json", str(file)])
    report: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return done, report


def broken(report: dict[str, Any]) -> set[str]:
    return {
        f"{each['id']}/{check['id']}" for each in report["cases"] for check in each["checks"] if check["verdict"] not in ("pass", "info")
    }


def test_a_gateway_that_ends_between_cases_is_started_again(tmp_path: Path) -> None:
    done, report = check(tmp_path, "ends", more=("--jobs", "1"))
    assert done.exit_code == 0, done.output
    assert broken(report) == set()


@pytest.mark.parametrize("flaws", [(), ("fixed",)], ids=["passes paths through", "has one upstream"])
def test_a_transparent_gateway_passes(flaws: tuple[str, ...], tmp_path: Path) -> None:
    done, report = check(tmp_path, *flaws)
    assert done.exit_code == 0, done.output
    assert broken(report) == set()
    assert {each["id"] for each in report["cases"]} >= set(CASES)
    assert {each["transport"] for each in report["cases"]} == {"sse"}
    assert report["client"]["name"].endswith("(gateway)")


def test_a_gateway_with_a_name_says_the_headers_that_name_its_upstream(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    block = """# /// script
# dependencies = []
# [tool.streamproof]
# headers = {x-upstream = "{base}"}
# ///
"""
    program = f"import os, sys\nos.execv(sys.executable, [sys.executable, {str(TINY)!r}, *sys.argv[1:], 'told'])\n"
    (tmp_path / "tiny.py").write_text(block + program, "utf-8")
    monkeypatch.setattr(gateway, "GATEWAYS", tmp_path)
    file = tmp_path / "report.json"
    done = CliRunner().invoke(main, ["check", "--gateway", "tiny", "--case", "L2.truncation.clean-eof", "--json", str(file)])
    assert done.exit_code == 0, done.output
    report = json.loads(file.read_text("utf-8"))
    assert broken(report) == set()
    assert report["client"]["name"] == "tiny (gateway)"


def test_gateways_with_a_name_are_pinned_and_name_their_upstream() -> None:
    assert set(gateway.named()) == {"litellm", "portkey"}
    for program in gateway.named().values():
        needs = packages.needs(program)
        assert needs.version
        assert "{base}" in needs.headers.values()


@pytest.mark.parametrize(
    ("flaw", "case", "check_id"),
    [
        ("masks", "L2.truncation.clean-eof", "surfaced"),
        ("lingers", "L4.cancel.between-events", "closed"),
        ("joins", "L1.delivery.at-once", "as-it-comes"),
        ("hides-errors", "L2.http.500", "status"),
    ],
)
def test_a_flaw_is_found(flaw: str, case: str, check_id: str, tmp_path: Path) -> None:
    done, report = check(tmp_path, flaw, cases=(case,))
    assert done.exit_code == 1, done.output
    assert f"{case}/{check_id}" in broken(report), broken(report)


@pytest.mark.parametrize(
    ("command", "code", "wanted"),
    [
        ("my-gateway --port {port}", 2, "has no {upstream}"),
        ("litelm", 2, "no gateway 'litelm'; did you mean 'litellm'?"),
        ("my-gateway", 2, "wanted litellm, portkey, or a command with {upstream} and {port}"),
        ("portkey==", 2, "'' is not one version"),
        ("portkey==latest", 2, "'latest' is not one version"),
        ("no-such-gateway {upstream} {port}", 4, "cannot start"),
        (
            f"{sys.executable} -c 'raise SystemExit(\"what a pity\")' {{upstream}} {{port}}",
            4,
            "ended with 1 before it listened; its last words: what a pity",
        ),
        (f"{sys.executable} -m http.server --bind 127.0.0.1 {{port}} -d /nonexistent{{upstream}}", 4, "lets no answer through"),
    ],
)
def test_a_gateway_that_does_not_serve_is_told(command: str, code: int, wanted: str) -> None:
    done = CliRunner().invoke(main, ["check", "--gateway", command, "--level", "L0"])
    assert done.exit_code == code, done.output
    assert wanted in done.output


def test_a_gateway_that_listens_elsewhere_is_told_where_it_was_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "START_SECONDS", 0.3)
    command = f"{sys.executable} -c 'import time; time.sleep(30)' {{upstream}} {{port}}"
    done = CliRunner().invoke(main, ["check", "--gateway", command, "--level", "L0"])
    assert done.exit_code == 4, done.output
    assert re.search(r"did not listen on 127\.0\.0\.1:\d+ for 0\.3 s; its last words: none", done.output)


def test_a_gateway_that_crashes_at_a_request_is_told_with_its_last_words(tmp_path: Path) -> None:
    program = tmp_path / "gateway.py"
    program.write_text(
        "import os, socket, sys\n"
        "listener = socket.create_server(('127.0.0.1', int(sys.argv[2])))\n"
        "while not listener.accept()[0].recv(10): pass\n"
        "print('what a pity', flush=True)\n"
        "os._exit(9)\n",
        "utf-8",
    )
    command = f"{shlex.join([sys.executable, str(program)])} {{upstream}} {{port}}"
    done = CliRunner().invoke(main, ["check", "--gateway", command, "--level", "L0"])
    assert done.exit_code == 4, done.output
    assert "ended with 9 at its first request; its last words: what a pity" in done.output


def test_a_gateway_ends_with_a_check_that_is_terminated(tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    program = tmp_path / "gateway.py"
    told = f"pathlib.Path({str(noted)!r}).write_text(str(os.getpid()))"
    runs = f"runpy.run_path({str(TINY)!r}, run_name='__main__')"
    program.write_text(f"import os, pathlib, runpy\n{told}\n{runs}\n", "utf-8")
    gate = f"{shlex.join([sys.executable, str(program)])} {{upstream}} {{port}}"
    check = subprocess.Popen([sys.executable, "-m", "mockserver", "check", "--gateway", gate, "--level", "L1"], stdout=subprocess.PIPE)
    while not (noted.exists() and noted.read_text()):
        time.sleep(0.02)
    time.sleep(0.5)
    check.send_signal(signal.SIGTERM)
    check.communicate()
    assert check.returncode == 143
    with pytest.raises(ProcessLookupError):
        os.kill(int(noted.read_text()), 0)


def test_neither_client_nor_gateway_is_an_error_of_usage() -> None:
    done = CliRunner().invoke(main, ["check"])
    assert done.exit_code == 2
    assert "--gateway" in done.output


def test_a_gateway_is_asked_what_it_can_answer_for() -> None:
    asked = {each.id: each for each in filter(None, map(gateway.concerns, case.corpus()))}
    assert {each.level for each in asked.values()} == {"L0", "L1", "L2", "L4"}
    assert all(id.startswith("L4.cancel") for id, each in asked.items() if each.level == "L4")
    assert gateway.EVERY_EVENT in asked["L0.happy"].checks
    assert gateway.EVERY_EVENT not in asked["L2.truncation.clean-eof"].checks
