"""The adapters of real clients: what they declare, and a quick subset of the corpus against their strict baselines."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from conformance import clients, gateway, languages, library, packages
from conformance.baseline import Known, load
from conformance.languages import java, node
from conformance.pins import parted
from tests.optional import NODE_MODULES, need, need_node_packages

BASELINES = clients.HERE / "baselines"
QUICK = ("L1.flavour.*", "L1.tools.*", "L2.truncation.*", "L2.ok-status.*", "L2.complete.*")

IN_PAGES = tuple(glob for glob in QUICK if glob != "L2.truncation.*")
"""Chromium may drop what it has received when the connection breaks: whether it does is a race."""


def command(name: str, folder: Path) -> str:
    """An adapter with the packages that the tests are installed with, in place of those of the cache."""
    adapter = clients.adapters()[name]
    if adapter.suffix == ".py":
        return f"{sys.executable} {adapter}"
    program = need_node_packages()
    (folder / "node_modules").symlink_to(NODE_MODULES)
    return f"{program} {node.beside(adapter, folder)}"


def quick_baseline(name: str, folder: Path, globs: Sequence[str] = QUICK) -> Path:
    """The lines of a client's baseline that are of the quick subset."""
    known = tuple(each for each in load(BASELINES / f"{name}.txt") if each.pattern.startswith(tuple(glob.rstrip("*") for glob in globs)))
    quick = folder / "quick.txt"
    quick.write_text("".join(f"{each.pattern} {each.reason}\n" for each in known), "utf-8")
    return quick


@pytest.mark.parametrize("name", ["openai-python", "openai-python-async", "openai-node"])
def test_official_clients_fail_what_their_baselines_say_and_nothing_else(name: str, tmp_path: Path) -> None:
    made = library.check_sync(command(name, tmp_path), cases=QUICK, known_failing=quick_baseline(name, tmp_path))
    assert made.ok, str(made)
    assert made.cases


def installed(name: str) -> str:
    """The command of a client that is installed into the cache; where that cannot be, the test is skipped with the reason."""
    try:
        return clients.command(name)
    except packages.NotInstalled as absent:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(absent))


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", ["ai-sdk-openai-compatible", "go-openai", "curl", "chromium-fetch", "fetch-event-source"])
def test_installed_clients_fail_what_their_baselines_say_and_nothing_else(name: str, tmp_path: Path) -> None:
    globs = IN_PAGES if clients.adapters()[name].suffix == ".html" else QUICK
    made = library.check_sync(installed(name), cases=globs, known_failing=quick_baseline(name, tmp_path, globs))
    assert made.ok, str(made)
    assert made.cases


@pytest.mark.parametrize("name", ["aiohttp-loop", "aiohttp-ws", "websockets-recv", "fetch-loop", "ws", "openai-node-stream"])
def test_adapters_are_honest(name: str, tmp_path: Path) -> None:
    made = library.check_sync(command(name, tmp_path), levels=["L0"])
    assert made.ok, str(made)


def test_what_a_client_for_node_logs_is_no_line_of_the_protocol(tmp_path: Path) -> None:
    adapter = tmp_path / "talkative.mjs"
    fetch_loop = clients.adapters()["fetch-loop"].read_text("utf-8")
    adapter.write_text(fetch_loop + "console.log('client: trying'); console.warn('slow')\n", "utf-8")
    for module in (clients.HERE / "adapters").glob("_*.mjs"):
        shutil.copy(module, tmp_path)
    made = library.check_sync(f"{need('node')} {adapter}", levels=["L0"])
    assert made.ok, str(made)


CALLER = """
import {{ Caller }} from {module}
const caller = new Caller({{ run: "r1" }}, (line) => console.log(JSON.stringify(line)))
{story}
"""


def result_of(story: str) -> dict[str, Any]:
    """The last line of a caller in Node, of whom this is told."""
    script = CALLER.format(module=json.dumps((clients.HERE / "adapters" / "_caller.mjs").as_uri()), story=story)
    done = subprocess.run([need("node"), "--input-type=module", "-e", script], capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def test_a_status_is_that_of_what_caused_the_error() -> None:
    told = result_of("caller.result(new Error('too long', { cause: Object.assign(new Error('refused'), { status: 400 }) }))")
    assert (told["outcome"], told["status"], told["kind"]) == ("error", 400, "http")
    assert result_of("caller.result(new Error('cut'))")["status"] is None


def test_an_answer_that_the_client_put_together_is_what_its_caller_has() -> None:
    message = "{ content: 'whole', tool_calls: [{ id: 'c1', function: { name: 'weather', arguments: '{}' } }] }"
    told = result_of(
        "caller.take([{ index: 0, delta: { content: 'piece' } }])\n"
        f"caller.keep([{{ index: 0, finish_reason: 'stop', message: {message} }}], {{ total_tokens: 3 }})\n"
        "caller.result()"
    )
    assert (told["outcome"], told["text"], told["finish_reason"], told["usage"]) == ("ok", "whole", "stop", {"total_tokens": 3})
    assert told["tool_calls"] == [{"id": "c1", "name": "weather", "arguments": "{}"}]


def test_every_adapter_is_pinned_and_every_baseline_is_of_an_adapter() -> None:
    wanted = {name: packages.needs(path) for name, path in clients.adapters().items()}
    assert all(parted(pin) for each in wanted.values() for pin in each.packages)
    baselines: dict[str, tuple[Known, ...]] = {path.stem: load(path) for path in BASELINES.glob("*.txt")}
    assert baselines.keys() <= wanted.keys() | gateway.named().keys()
    assert all(baselines.values())


@pytest.mark.parametrize(
    ("pin", "parts"),
    [
        ("openai==3.54.0", ("openai", "==", "3.54.0")),
        ("openai@6.49.0", ("openai", "@", "6.49.0")),
        ("@ai-sdk/openai@2.0.0", ("@ai-sdk/openai", "@", "2.0.0")),
        ("github.com/openai/openai-go/v3@v3.96.0", ("github.com/openai/openai-go/v3", "@", "v3.96.0")),
        ("com.openai:openai-java:4.0.0", ("com.openai:openai-java", ":", "4.0.0")),
        ("litellm[proxy]==1.106.2", ("litellm[proxy]", "==", "1.106.2")),
    ],
)
def test_pins_are_read_as_their_registry_writes_them(pin: str, parts: tuple[str, str, str]) -> None:
    assert parted(pin) == parts
    assert packages.Needs((pin, "other==1"), ("sse",)).at("9.0.0").packages == (f"{parts[0]}{parts[1]}9.0.0", "other==1")


def test_a_client_that_cannot_be_installed_is_told_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    adapter, wanted = clients.pinned("openai-node==1.0.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(packages.NotInstalled, match="node and npm are not on the PATH"):
        packages.install(adapter, wanted)
    assert not packages.installed(adapter, wanted)
    with pytest.raises(packages.NotInstalled, match="the version of its language"):
        clients.pinned("fetch-loop==18")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("openai-go", "go is not on the PATH: install Go"),
        ("chromium-fetch", "chromium and node are not on the PATH: install Chromium, and Node.js 20 or later"),
        ("curl", "bash and curl are not on the PATH"),
    ],
)
def test_an_absent_toolchain_is_a_clear_line(name: str, line: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(packages.NotInstalled) as told:
        clients.command(name)
    assert str(told.value) == line


def test_what_is_compiled_is_compiled_once_for_each_text(tmp_path: Path) -> None:
    adapter = tmp_path / "client.go"
    adapter.write_text("package main\n", "utf-8")
    alone = languages.digest(adapter)
    (tmp_path / "_adapter.go").write_text("package main\n", "utf-8")
    assert len({alone, languages.digest(adapter)}) == 2
    assert languages.sources(adapter) == (adapter, tmp_path / "_adapter.go")


def test_a_shared_class_that_an_adapter_in_java_does_not_name_is_not_compiled_with_it(tmp_path: Path) -> None:
    need("javac")
    adapter = tmp_path / "client.java"
    adapter.write_text("final class Main { String said = Named.WORD; }\n", "utf-8")
    (tmp_path / "_Named.java").write_text('final class Named { static final String WORD = "so"; }\n', "utf-8")
    (tmp_path / "_Other.java").write_text("import com.absent.Client;\n\nfinal class Other { Client client; }\n", "utf-8")
    java.build(adapter, "", tmp_path / "classes")
    assert {path.name for path in (tmp_path / "classes").iterdir()} == {"Main.class", "Named.class"}


def test_an_installer_s_own_words_are_handed_on(tmp_path: Path) -> None:
    with pytest.raises(packages.NotInstalled, match=r"ended with 3: error: no such version"):
        languages.run([sys.executable, "-c", "import sys; print('error: no such version', file=sys.stderr); sys.exit(3)"], tmp_path)
