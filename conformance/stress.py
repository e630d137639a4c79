"""The reference clients, run after run beside busy processes: a kit whose verdicts depend on the machine is worth nothing.

python -m conformance.stress [--runs 20] [--busy 8] [--client reference-python …]
"""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from conformance.case import corpus
from conformance.engine import Engine, Results, exit_of
from conformance.running import adapter_for
from conformance.verdict import Verdict

GOOD = (Verdict.PASS, Verdict.INFO, Verdict.NOT_APPLICABLE)


def _spin() -> None:
    while True:
        pass


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many processes that do nothing but compute."""
    spinners = [multiprocessing.Process(target=_spin, daemon=True) for _ in range(count)]
    for spinner in spinners:
        spinner.start()
    try:
        yield
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.join()


def not_good(results: Results) -> list[str]:
    """Every check of a run that did not pass, with what was seen."""
    return [
        f"{case.name}/{check.id}: {check.verdict}: {check.reason or check.evidence}"
        for case in results.cases
        for check in case.checks
        if check.verdict not in GOOD
    ]


@click.command()
@click.option("--runs", default=20, show_default=True)
@click.option("--busy", "spinners", default=8, show_default=True, help="Busy processes beside it.")
@click.option("--client", "clients", multiple=True, default=("reference-python", "reference-node"), show_default=True)
def main(runs: int, spinners: int, clients: tuple[str, ...]) -> None:
    """Run the reference clients under load; exit 1 if any check did not pass."""
    failed = 0
    with busy(spinners):
        for number in range(1, runs + 1):
            for client in clients:
                results = asyncio.run(Engine(adapter_for(client, False)).run(corpus()))
                wrong = not_good(results)
                failed += bool(wrong) or exit_of(results).code != 0
                click.echo(
                    f"run {number} {client}: {len(results.cases)} cases in {results.seconds:.0f} s, {len(wrong)} checks did not pass"
                )
                for line in wrong:
                    click.echo(f"  {line}"[:300])
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
