"""Every file of data that is shipped is valid: schemas by JSON Schema, profiles by their schema and by the loader."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from mockserver import yaml_marks
from mockserver.bundled import bundled
from mockserver.profiles import Shelf, load_file

SCHEMAS = sorted(bundled("schemas").glob("*.json"))
TABLES = sorted(bundled("schemas").glob("*.yaml"))
PROFILES = sorted(bundled("fault_profiles").rglob("*.yaml"))


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from (value for key, value in schema.items() if key == "$ref" and isinstance(value, str))
        schema = list(schema.values())
    if isinstance(schema, list):
        for inner in schema:
            yield from references(inner)


def objections(path: Path, schema: Path, library: Registry[Any]) -> list[str]:
    """What its schema has against a YAML file."""
    value, _ = yaml_marks.parse(path.read_text(encoding="utf-8"), path.name)
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(read(schema), registry=library).iter_errors(value)]


@pytest.fixture(scope="module")
def library() -> Registry[Any]:
    """All schemas, each by its `$id` and by its file name."""
    resources = [(path, Resource.from_contents(read(path), DRAFT202012)) for path in SCHEMAS]
    return Registry().with_resources([(name, each) for path, each in resources for name in {path.name, each.id() or path.name}])


def test_there_is_data() -> None:
    assert SCHEMAS
    assert PROFILES


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_schema_is_valid_and_all_its_references_lead_somewhere(path: Path, library: Registry[Any]) -> None:
    schema = read(path)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)
    resolver = library.resolver(schema.get("$id", path.name))
    for reference in references(schema):
        resolver.lookup(reference)


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.name)
def test_table_is_valid_by_the_schema_beside_it(path: Path, library: Registry[Any]) -> None:
    assert objections(path, path.with_suffix(".schema.json"), library) == []


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_profile_loads_and_says_what_it_is(path: Path) -> None:
    profile = load_file(path)
    assert profile.name == path.stem
    assert profile.title
    assert profile.why
    assert profile.dialects


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_profile_is_valid_by_its_schema(path: Path, library: Registry[Any]) -> None:
    assert objections(path, bundled("schemas") / "fault-profile.schema.json", library) == []


def test_every_profile_has_a_name_of_its_own() -> None:
    assert Shelf().names() == tuple(sorted(path.stem for path in PROFILES))
