# /// script
# dependencies = []
# [tool.streamproof]
# transports = ["sse"]
# commands = ["bash", "curl"]
# ///
"""curl in a shell, with the loop that is commonly written behind it. What fails here fails in that loop or in curl."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from _adapter import Caller, Run, seconds, serve

SCRIPT = """
curl --silent --show-error --no-buffer --fail-with-body --write-out '%{stderr}status %{http_code}\\n' "$@" | {
  while IFS= read -r line; do
    case $line in
      'data: [DONE]'*) exit 0 ;;
      'data: '*) printf '%s\\n' "${line#data: }" ;;
      :* | '') ;;
      *) printf '%s\\n' "$line" >&2 ;;
    esac
  done
  echo 'no [DONE]' >&2
  exit 1
}
"""
"""Its standard output is the data of one event a line; it succeeds when it has seen `[DONE]`. `"$@"` are the request's options."""

HELLO = {
    "name": "curl",
    "version": subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True).stdout.split()[1],
    "language": "shell",
    "transports": ["sse"],
    "controls": ["cancel_after_events", "stop", "connect_timeout_ms", "total_timeout_ms", "read_delay_ms", "ca_file"],
    "retry": "none",
}

CODES = {6: "connect", 7: "connect", 18: "truncated", 28: "timeout", 35: "tls", 47: "redirect", 52: "closed", 56: "reset", 60: "tls"}
"""What curl's exit codes mean (https://curl.se/libcurl/c/libcurl-errors.html), as its line on standard error begins with them."""


class ScriptFailed(Exception):
    """The script ended with an error."""

    def __init__(self, said: str) -> None:
        super().__init__(said.strip())
        codes = [int(line.split("status ")[1]) for line in said.splitlines() if line.startswith("status ")]
        self.status = codes[-1] if codes and codes[-1] >= 300 else None
        code = next((int(line[7 : line.index(")")]) for line in said.splitlines() if line.startswith("curl: (")), 0)
        self.kind = "http" if self.status else CODES.get(code, "other")


class Shell:
    """There is nothing that lasts from one request to the next."""

    def close(self) -> None:
        """There is nothing to close."""


def options(run: Run) -> list[str]:
    limits = {"--connect-timeout": seconds(run, "connect_timeout_ms"), "--max-time": seconds(run, "total_timeout_ms")}
    given = [word for option, limit in limits.items() if limit is not None for word in (option, str(limit))]
    trusted = ["--cacert", run["ca_file"]] if "ca_file" in run else []
    headers = ["--header", f"Authorization: Bearer {run['api_key']}", "--header", "Content-Type: application/json"]
    return [*given, *trusted, *headers, "--data-binary", "@-", run["base_url"] + "/chat/completions"]


def stream(shell: Shell, run: Run, caller: Caller) -> None:
    """A caller leaves by ending the whole pipeline."""
    with tempfile.TemporaryFile() as words, pipeline(run, words) as process:
        for line in process.stdout or ():
            chunk = json.loads(line)
            if caller.take(chunk["choices"], chunk.get("usage")):
                return
            time.sleep(caller.pause)
        failed = process.wait()
        words.seek(0)
        said = words.read().decode("utf-8", "replace")
    if failed:
        raise ScriptFailed(said)


@contextmanager
def pipeline(run: Run, words: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """The script, which says what went wrong into a file: a pipe that nobody reads yet would hold it up. Its input is the request, which
    may be longer than an argument can be."""
    command = ["bash", "-c", SCRIPT, "bash", *options(run)]
    with tempfile.TemporaryFile() as request:
        request.write(json.dumps(run["request"]).encode())
        request.seek(0)
        with subprocess.Popen(command, stdin=request, stdout=subprocess.PIPE, stderr=words, process_group=0) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGTERM)


serve(HELLO, lambda run: Shell(), stream)
