"""Reports that cannot be written: each is told, none keeps another from being written, and a run that lacks one is not green."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from conformance import clients
from conformance.verdict import FAILED, GREEN, USAGE, Verdict
from mockserver.cli import main
from tests.made_report import case, made

FULL = "/dev/full"
"""A device on which there is never any space (full(4))."""

pytestmark = pytest.mark.skipif(not Path(FULL).exists(), reason=f"there is no {FULL} here")


def check(*arguments: str | Path) -> Result:
    template = clients.template("python")
    return CliRunner().invoke(main, ["check", "--client", shlex.join([sys.executable, str(template)]), *map(str, arguments)])


def test_every_report_of_a_check_is_tried_and_each_failure_is_told(tmp_path: Path) -> None:
    kept = {name: tmp_path / name for name in ("--junit", "--markdown", "--badge")}
    lost = ("--json", FULL, "--html", FULL, "--write-baseline", FULL)
    done = check("--level", "L0", *lost, *(word for pair in kept.items() for word in pair))
    assert done.exit_code == USAGE, done.output
    assert done.stderr.splitlines() == [f"{FULL} could not be written: No space left on device"] * 3
    assert "exit 0: every MUST that was asked for holds" in done.stdout
    assert all(path.exists() for path in kept.values())


def test_a_verdict_stands_before_a_report_that_is_lost() -> None:
    done = check("--case", "L1.flavour.azure", "--json", FULL)
    assert done.exit_code == FAILED, done.output
    assert f"{FULL} could not be written" in done.stderr


def test_every_page_of_a_merge_is_tried(tmp_path: Path) -> None:
    report, page = tmp_path / "report.json", tmp_path / "new" / "matrix.json"
    report.write_text(json.dumps(made(case(Verdict.PASS))), "utf-8")
    lost = ("--html", FULL, "--markdown", FULL)
    done = CliRunner().invoke(main, ["merge", str(report), *lost, "--json", str(page)])
    assert done.exit_code == USAGE
    assert done.stderr.splitlines() == [f"{FULL} could not be written: No space left on device"] * 2
    assert json.loads(page.read_text("utf-8"))["clients"]
    assert CliRunner().invoke(main, ["merge", str(report), "--json", str(page)]).exit_code == GREEN
    nowhere = CliRunner().invoke(main, ["merge", str(report), "--json", "/proc/nowhere/matrix.json"])
    assert (nowhere.exit_code, nowhere.stderr) == (USAGE, "cannot write into /proc/nowhere: No such file or directory\n")


def test_every_report_of_a_load_is_tried(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("first.json", "second.html", "third.txt", "fourth.json")]
    command = [sys.executable, "-m", "mockserver", "serve", "--port", "0"]
    flags = [word for file in files for word in ("--report", str(file))]
    with subprocess.Popen([*command, *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout
        assert server.stderr
        server.stdout.readline()
        for file in files[:3:2]:
            file.mkdir()  # after it was found that it can be written
        server.terminate()
        told = server.stderr.read()
    assert server.returncode == 1
    for file in files[:3:2]:
        assert f"the report {file} could not be written: Is a directory" in told
    assert "Traceback" not in told
    assert json.loads(files[3].read_text("utf-8"))["total"]["requests"] == 0
    assert files[1].read_text("utf-8").startswith("<!DOCTYPE html>")
    assert sorted(tmp_path.iterdir()) == sorted(files)
