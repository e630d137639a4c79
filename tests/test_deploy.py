"""What is in deploy/: each kind of file is checked by its own linter, which must find a planted mistake too; and what the files
say of streamproof is true of it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from mockserver import yaml_marks
from mockserver.cli.serve import serve
from mockserver.profiles import Shelf, load
from mockserver.transports import proxies
from tests.optional import NODE_MODULES, need, need_node_packages
from tests.served import served

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
DOCKERFILE = DEPLOY / "Dockerfile"
COMPOSE = DEPLOY / "compose.yaml"
KUBERNETES = DEPLOY / "kubernetes"
MANIFESTS = [KUBERNETES / name for name in ("profiles.yaml", "redis.yaml", "streamproof.yaml")]


def linted(*command: str | Path) -> str:
    """What a linter finds; "" when it is content."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def planted(file: Path, right: str, wrong: str, folder: Path) -> Path:
    """A copy with a mistake in it."""
    text = file.read_text("utf-8")
    assert right in text
    copy = folder / file.name
    copy.write_text(text.replace(right, wrong, 1), "utf-8")
    return copy


# ------------------------------------------------------------------------------------------------------------------ the linters


def hadolint(file: Path) -> str:
    return linted(need("hadolint"), "--failure-threshold", "info", file)


def dclint(file: Path) -> str:
    return linted(need_node_packages(), NODE_MODULES / "dclint/bin/dclint.cjs", "--max-warnings", "0", file)


def kube_score(*files: Path) -> str:
    found = shutil.which("kube-score", path=os.fspath(proxies.CACHE.expanduser().parent / "kube-score"))
    return linted(found or need("kube-score"), "score", "--exit-one-on-warning", "--output-format", "ci", *files)


def kubernetes_validate(*files: Path) -> str:
    return linted(need("kubernetes-validate"), "--strict", *files)


def test_the_dockerfile_is_sound() -> None:
    assert hadolint(DOCKERFILE) == ""


@pytest.mark.parametrize(
    ("right", "wrong", "rule"),
    [
        ("FROM python:3.13-slim AS build", "FROM python AS build", "DL3006"),
        ("WORKDIR /source", "WORKDIR source", "DL3000"),
        ("USER 10001:10001", "USER root", "DL3002"),
        ('ENTRYPOINT ["streamproof"]', "ENTRYPOINT streamproof", "DL3025"),
    ],
)
def test_a_mistake_in_the_dockerfile_is_found(right: str, wrong: str, rule: str, tmp_path: Path) -> None:
    assert rule in hadolint(planted(DOCKERFILE, right, wrong, tmp_path))


def test_the_compose_file_is_sound() -> None:
    assert dclint(COMPOSE) == ""


@pytest.mark.parametrize(
    ("right", "wrong", "rule"),
    [
        ("    restart: unless-stopped\n", "    restarts: unless-stopped\n", "invalid-schema"),
        ("redis:7.4-alpine", "redis:latest", "service-image-require-explicit-tag"),
        ("127.0.0.1:8080:8080", "8080:8080", "no-unbound-port-interfaces"),
    ],
)
def test_a_mistake_in_the_compose_file_is_found(right: str, wrong: str, rule: str, tmp_path: Path) -> None:
    assert rule in dclint(planted(COMPOSE, right, wrong, tmp_path))


def test_the_manifests_are_sound() -> None:
    assert kubernetes_validate(*MANIFESTS) == ""
    assert kube_score(*MANIFESTS) == ""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("readinessProbe:", "readynessProbe:"),
        ("replicas: 3", "replicas: three"),
        ("containerPort: 8080", "containerPorts: 8080"),
    ],
)
def test_a_manifest_that_is_none_is_found(right: str, wrong: str, tmp_path: Path) -> None:
    assert kubernetes_validate(planted(KUBERNETES / "streamproof.yaml", right, wrong, tmp_path))


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "writable root filesystem"),
        ("path: /_mock/ready", "path: /health", "same readiness and liveness probe"),
        ("kind: PodDisruptionBudget", "kind: PodDisruption", "PodDisruptionBudget"),
        ("limits: {cpu", "limit: {cpu", "limit"),
    ],
)
def test_a_careless_manifest_is_found(right: str, wrong: str, told: str, tmp_path: Path) -> None:
    files = [planted(file, right, wrong, tmp_path) if file.stem == "streamproof" else file for file in MANIFESTS]
    assert told.lower() in kube_score(*files).lower()


# --------------------------------------------------------------------------------------------------- what they say of streamproof


def instructions(name: str) -> list[str]:
    """The arguments of a Dockerfile's instructions of one name."""
    joined = re.sub(r"\\\n\s*", "", DOCKERFILE.read_text("utf-8"))
    return re.findall(rf"^{name} (.*)$", joined, re.MULTILINE)


def documents(file: Path) -> list[Any]:
    """The documents of a YAML file."""
    return [yaml_marks.parse(text, file.name)[0] for text in re.split(r"^---$", file.read_text("utf-8"), flags=re.MULTILINE)]


def of_kind(kind: str, name: str) -> Any:
    (found,) = [each for file in MANIFESTS for each in documents(file) if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


def container() -> Any:
    (found,) = of_kind("Deployment", "streamproof")["spec"]["template"]["spec"]["containers"]
    return found


def commands() -> list[list[str]]:
    """Every command that starts the mock in deploy/."""
    return [json.loads(instructions("CMD")[-1]), documents(COMPOSE)[0]["services"]["mock"]["command"], container()["args"]]


@pytest.mark.parametrize("command", commands(), ids=shlex.join)
def test_commands_have_flags_that_serve_knows(command: list[str]) -> None:
    name, *flags = command
    assert name == "serve"
    there = [flag if flag != "/profiles" else os.fspath(KUBERNETES) for flag in flags]
    parsed = serve.make_context("serve", there).params
    assert (parsed["workers"] > 1, parsed["store"] is not None) == ("--workers" in flags, "--store" in flags)


def test_what_the_image_is_made_of_is_enough_for_the_wheel(tmp_path: Path) -> None:
    sent = [line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines() if line.startswith("!")]
    copied = [source for line in instructions("COPY") if "--from" not in line for source in line.split()[:-1]]
    assert sorted(copied) == sorted(sent)
    source = tmp_path / "source"
    source.mkdir()
    for name in copied:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    build = (sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path, source)
    assert linted(*build) == ""
    assert list(tmp_path.glob("streamproof-*.whl"))


def test_the_image_does_not_run_as_root_and_has_the_toxiproxy_that_is_wanted() -> None:
    assert instructions("USER") == ["10001:10001"]
    assert any(proxies.MODULE in line for line in instructions("RUN"))
    assert any(line.endswith(f"/usr/local/bin/{proxies.COMMAND}") for line in instructions("COPY"))
    assert instructions("ARG") == ["EXTRAS=redis,network"], "its client, and that of the store"


def health_check() -> list[str]:
    (line,) = instructions("HEALTHCHECK")
    command: list[str] = json.loads(line.partition("CMD ")[2])
    return [sys.executable, *command[1:]]


def test_the_health_check_of_the_image_tells_a_mock_from_none() -> None:
    """With a control token, as where others than this machine can connect: a probe has none."""
    with served(sys.executable, "-m", "mockserver", flags=("--control-token", "secret")) as server:
        environment = {**os.environ, "STREAMPROOF_PORT": str(httpx.URL(server.base_url).port), "no_proxy": "*"}
        alive = subprocess.run(health_check(), env=environment, capture_output=True, check=False)
    dead = subprocess.run(health_check(), env=environment, capture_output=True, check=False)
    assert (alive.returncode, dead.returncode) == (0, 1)


def test_the_probes_of_the_pods_are_answered() -> None:
    paths = {container()[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "readiness", "liveness")}
    with served(sys.executable, "-m", "mockserver", flags=("--control-token", "secret")) as server:
        assert {path: httpx.get(server.origin + path, trust_env=False).status_code for path in paths} == dict.fromkeys(paths, 200)


def test_the_profiles_of_the_config_map_load_as_they_are_mounted(tmp_path: Path) -> None:
    """A volume of a ConfigMap holds links to links to files: https://kubernetes.io/docs/concepts/configuration/configmap/"""
    files = of_kind("ConfigMap", "streamproof-profiles")["data"]
    dated = tmp_path / "..2026_01_01"
    dated.mkdir()
    (tmp_path / "..data").symlink_to(dated.name)
    for name, text in files.items():
        load(yaml_marks.parse(text, name)[0], name, name)
        (dated / name).write_text(text, "utf-8")
        (tmp_path / name).symlink_to(f"..data/{name}")
    shelf = Shelf([tmp_path])
    assert {Path(name).stem for name in files} <= set(shelf.names())
    assert shelf.profile("busy-hour").title.startswith("The busy hour")


def test_the_parts_find_each_other() -> None:
    port = of_kind("Service", "streamproof-store")["spec"]["ports"][0]["port"]
    assert f"redis://streamproof-store:{port}/0" in container()["args"]
    services = documents(COMPOSE)[0]["services"]
    assert any(word.startswith("redis://store:") for word in services["mock"]["command"])
    assert set(services["mock"]["depends_on"]) <= set(services)
    for name in ("streamproof", "streamproof-store"):
        labels = of_kind("Deployment", name)["spec"]["template"]["metadata"]["labels"]
        assert (
            of_kind("Service", name)["spec"]["selector"] == labels == of_kind("NetworkPolicy", name)["spec"]["podSelector"]["matchLabels"]
        )
    assert {path.name for path in MANIFESTS} == set(documents(KUBERNETES / "kustomization.yaml")[0]["resources"])
