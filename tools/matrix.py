"""The matrix of clients in docs/matrix: every adapter, and every gateway that has a name, through what it is asked.

    tools/matrix.py             those of which no report is kept; so a run that was cut goes on where it was
    tools/matrix.py NAME…       these again
    tools/matrix.py --anew      all of them again
    tools/matrix.py --pages     none: only the pages, from the reports that are kept

Whoever is not installed is installed first. One whose toolchain is absent, or who cannot be judged, is told in a line and left out.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from conformance import baseline, case, clients, gateway, languages, matrix, packages
from conformance.engine import jobs_of
from conformance.reporters import failures_markdown, matrix_html, matrix_markdown
from conformance.verdict import FAILED, GREEN, TOO_LITTLE, Verdict
from mockserver.author_errors import AuthorError
from tools import derive_matrix_summary, derived_files

ROOT = Path(__file__).parent.parent
MATRIX = ROOT / "docs" / "matrix"
REPORTS = ROOT / ".cache" / "matrix"
BASELINES = clients.HERE / "baselines"
PROGRAM = (sys.executable, "-m", "mockserver")
MOST_SECONDS = 1200
"""Who takes longer is left out."""
LINKS = "What fails, and why: [failures.md](failures.md). All cells: `index.html`, with a filter. As JSON: `matrix.json`.\n"


def everyone() -> dict[str, Path]:
    """The programs of all clients and gateways, by name."""
    return {**clients.adapters(), **gateway.named()}


def report_of(name: str) -> Path:
    return REPORTS / f"{name}.json"


def asked(name: str) -> frozenset[tuple[str, ...]]:
    """All that one is asked: case, transport, variant, check and its severity."""
    through = name in gateway.named()
    cases = filter(None, map(gateway.concerns, case.corpus())) if through else case.corpus()
    transports = ("sse",) if through else packages.needs(everyone()[name]).transports
    jobs = (job for each in cases for job in jobs_of(each) if job.transport in transports)
    return frozenset((job.case.id, job.dialect, job.variant or "", check.id, check.severity) for job in jobs for check in job.case.checks)


def answered(report: Mapping[str, Any]) -> frozenset[tuple[str, ...]]:
    return frozenset(
        (each["id"], each["transport"], each.get("variant", ""), check["id"], check["severity"])
        for each in report["cases"]
        for check in each["checks"]
    )


def whole(name: str, path: Path) -> Mapping[str, Any] | None:
    """The report at a path, if it answers all that is asked today and nothing else."""
    try:
        report = matrix.read(path)
    except (OSError, AuthorError):
        return None
    judged = report["exit"]["code"] in (GREEN, FAILED, TOO_LITTLE)
    return report if judged and answered(report) == asked(name) else None


def kept(name: str) -> Mapping[str, Any] | None:
    """The report that is kept of one, if it stands: no source of its adapter is younger."""
    path = report_of(name)
    if not path.exists() or any(source.stat().st_mtime > path.stat().st_mtime for source in languages.sources(everyone()[name])):
        return None
    return whole(name, path)


def install(name: str) -> None:
    """Raises LookupError."""
    if name in gateway.named():
        gateway.gateway(name, print)
    else:
        clients.command(name, print)


def run(name: str) -> str:
    """Judge one and keep its report; what became of it in a line."""
    new = report_of(name).with_suffix(".new")
    new.unlink(missing_ok=True)
    began = time.monotonic()
    try:
        install(name)
        words = check(name, new)
    except LookupError as absent:
        return f"left out: {absent.args[0]}"
    except subprocess.TimeoutExpired:
        return f"left out: not done after {MOST_SECONDS} s"
    report = whole(name, new)
    if report is None:
        return f"left out: {words}"
    new.replace(report_of(name))
    return f"{time.monotonic() - began:.0f} s: {summary(report)}"


def check(name: str, file: Path) -> str:
    """Run `streamproof check`; its last line. Raises TimeoutExpired."""
    option = "--gateway" if name in gateway.named() else "--client"
    command = [*PROGRAM, "check", option, name, "--json", str(file)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        try:
            printed, _ = process.communicate(timeout=MOST_SECONDS)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    return (printed.strip() or f"it ended with {process.returncode}").splitlines()[-1]


def summary(report: Mapping[str, Any]) -> str:
    states = " ".join(f"{level['level']} {level['state']}" for level in report["levels"])
    counts = Counter(check["verdict"] for each in report["cases"] for check in each["checks"])
    seen = ", ".join(f"{counts[verdict]} {verdict}" for verdict in (Verdict.FAIL, Verdict.WARN, Verdict.INCONCLUSIVE))
    return f"{len(report['cases'])} cases; {states}; checks: {seen}"


def reports() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The reports that stand, one after the other: each is large."""
    for name in everyone():
        if (report := kept(name)) is not None:
            yield name, report


def known(name: str) -> tuple[baseline.Known, ...]:
    """The baseline of one; empty where there is none."""
    path = BASELINES / f"{name}.txt"
    return baseline.load(path) if path.exists() else ()


def write_pages() -> None:
    merged = matrix.merge(report for _, report in reports())
    derived_files.write(
        {
            MATRIX / "matrix.json": matrix.to_text(merged),
            MATRIX / "README.md": f"{LINKS}\n{matrix_markdown.render(merged)}",
            MATRIX / "index.html": matrix_html.render(merged),
            MATRIX / "failures.md": failures_markdown.render((report, known(name)) for name, report in reports()),
        }
    )
    derived_files.write({derive_matrix_summary.PAGE: derive_matrix_summary.page()})


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Judge every client and gateway, and write docs/matrix.")
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*everyone(), []], help="judge these again")
    parser.add_argument("--anew", action="store_true", help="judge all again, whatever is kept")
    parser.add_argument("--pages", action="store_true", help="judge none, and write the pages from what is kept")
    options = parser.parse_args(words)
    REPORTS.mkdir(parents=True, exist_ok=True)
    wanted = [] if options.pages else options.names or [name for name in everyone() if options.anew or kept(name) is None]
    for number, name in enumerate(wanted, 1):
        print(f"[{number}/{len(wanted)}] {name}: ", end="", flush=True)
        print(run(name), flush=True)
    missing = [name for name in everyone() if kept(name) is None]
    if len(missing) == len(everyone()):
        print("no report is kept: docs/matrix is left as it is", file=sys.stderr)
        return 1
    write_pages()
    print(f"docs/matrix: {len(everyone()) - len(missing)} of {len(everyone())}; without: {', '.join(missing) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
