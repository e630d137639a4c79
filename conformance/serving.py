"""One case's script, served for a client in somebody's hand."""

from __future__ import annotations

import asyncio
import json
import signal

import click

from conformance.case import Case
from conformance.engine import asked, script_of
from mockserver.testing import MockServer


async def serve(case: Case, port: int, dialect: str | None) -> None:
    """Print the session's URL, a curl line and what is asked of the client, then serve until interrupted."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with MockServer(port=port) as server:
        session = server.session(script_of(case.server, None), own_port=case.own_port, **dict(case.server.get("options", {})))
        chosen = dialect or case.dialects()[0]
        click.echo(session.base_url if chosen == "sse" else f"{session.ws_url}?dialect={chosen}")
        click.echo(f"{case.id}: {case.title}\nrule: {case.rule}\nwhy:  {case.why}")
        for run in case.runs:
            told = {name: value for name, value in run.items() if name not in ("request", "prompt_bytes")}
            body = json.dumps(asked(run))
            click.echo(f"the client is told: {json.dumps(told) if told else 'nothing'}")
            if chosen == "sse":
                click.echo(f"curl -N {session.base_url}/chat/completions -H 'Authorization: Bearer sk-any' -d '{body}'")
        click.echo("what is wanted: " + "; ".join(f"{check.id} ({check.severity})" for check in case.checks))
        await stop.wait()
