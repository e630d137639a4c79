"""Every value made for a schema is accepted by a validator that shares no code with the generator."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import jsonschema_rs
import pytest

from mockserver.model import pattern
from mockserver.model.value import BadSchema, value


def some(*schemas: Any) -> list[Any]:
    return [pytest.param(schema, id=json.dumps(schema)[:60]) for schema in schemas]


NODE = {
    "type": "object",
    "properties": {"v": {"type": "integer"}, "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
    "required": ["v", "next"],
    "additionalProperties": False,
}
TAGGED = [
    {
        "type": "object",
        "properties": {"kind": {"const": kind}, field: {"type": "integer"}},
        "required": ["kind", field],
        "additionalProperties": False,
    }
    for kind, field in (("a", "x"), ("b", "y"))
]
ZIP = {"then": {"properties": {"zip": {"pattern": r"^\d{5}$"}}}, "else": {"properties": {"zip": {"pattern": r"^[A-Z]\d[A-Z]$"}}}}
FORMATS = (
    "date-time date time duration email idn-email hostname ipv4 ipv6 uri uri-reference uri-template iri uuid json-pointer "
    "relative-json-pointer regex"
)
PATTERNS = (
    r"^\d{3}-\d{4}$",
    r"^[A-Z]{2}\d+$",
    r"^(foo|bar)+$",
    r"^[^a-z]+$",
    r"^\w+@\w+\.com$",
    r"^(?=.*[A-Z])(?=.*\d).{8,}$",
    r"^\+?[1-9]\d{1,14}$",
    r"^#?([a-f0-9]{6}|[a-f0-9]{3})$",
    r"a|b",
    r"^(?:[01]\d|2[0-3]):[0-5]\d$",
    r"^(a)(?:b)\1$",
    r"^\p{L}+$",
    r"^[\p{L}\s]{3}$",
    r"^(?<y>\d{4})$",
    r"^.*$",
    r"^$",
    r"\bfoo\b",
    r"^[\u4e00-\u9fa5]{2,4}$",
    r"^(?!foo)[a-z]{3}$",
)


@pytest.mark.parametrize(
    "schema",
    some(
        {"type": "string"},
        {"type": ["string", "null"]},
        {},
        True,
        {"enum": [1, "a", None]},
        {"const": {"a": 1}},
        {"type": "string", "minLength": 50, "maxLength": 60},
        {"type": "string", "maxLength": 3},
        {"type": "string", "minLength": 1000},
        {"type": "integer", "minimum": 5, "maximum": 5},
        {"type": "integer", "exclusiveMinimum": 5, "exclusiveMaximum": 7},
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.001},
        {"type": "integer", "minimum": -1000, "maximum": -900},
        {"type": "integer", "minimum": 1e6},
        {"type": "integer", "maximum": -5},
        {"type": "number", "multipleOf": 0.1},
        {"type": "number", "multipleOf": 0.01, "minimum": 3, "maximum": 4},
        {"type": "integer", "multipleOf": 7, "minimum": 50},
        {"type": "array", "items": {"type": "integer"}, "minItems": 3, "maxItems": 3},
        {"type": "array", "items": {"enum": [1, 2, 3, 4, 5]}, "uniqueItems": True, "minItems": 5},
        {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False},
        {"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "integer"}, "minItems": 4},
        {"type": "array", "contains": {"const": 5}, "minContains": 2},
        {"type": "array", "maxItems": 0},
        {
            "type": "object",
            "properties": {"a": {"type": "string"}, "b": {"type": "integer"}},
            "required": ["a", "b"],
            "additionalProperties": False,
        },
        {"type": "object", "properties": {"a": {}, "b": {}, "c": {}}, "minProperties": 2, "maxProperties": 2, "required": ["c"]},
        {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 4},
        {"type": "object", "patternProperties": {"^x-[a-z]+$": {"type": "integer"}}, "additionalProperties": False, "minProperties": 3},
        {"type": "object", "patternProperties": {"^x_": {"type": "integer"}}, "additionalProperties": False, "minProperties": 4},
        {"type": "object", "propertyNames": {"pattern": "^[A-Z]{3}$"}, "minProperties": 2},
        {"type": "object", "properties": {"a": {}, "b": {}, "c": {}}, "dependentRequired": {"a": ["b"], "b": ["c"]}},
        {"$ref": "#/$defs/node", "$defs": {"node": NODE}},
        {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#"}}}, "required": ["children"]},
        {
            "definitions": {"a/b": {"type": "integer"}},
            "type": "object",
            "properties": {"x": {"$ref": "#/definitions/a~1b"}},
            "required": ["x"],
        },
        {"$defs": {"x": {"$anchor": "foo", "type": "boolean"}}, "$ref": "#foo"},
        {"anyOf": [{"type": "string", "maxLength": 5}, {"type": "integer"}]},
        {"oneOf": [{"type": "integer"}, {"type": "number", "minimum": 2}]},
        {"oneOf": TAGGED},
        {"type": "integer", "not": {"multipleOf": 2}},
        {
            "allOf": [
                {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
                {"properties": {"b": {}}, "required": ["b"]},
            ]
        },
        {"allOf": [{"minimum": 3}, {"maximum": 4}], "type": "integer"},
        {
            "type": "object",
            "properties": {"country": {"enum": ["US", "CA"]}, "zip": {"type": "string"}},
            "required": ["country", "zip"],
            "if": {"properties": {"country": {"const": "US"}}},
            **ZIP,
        },
        *({"type": "string", "format": name} for name in FORMATS.split()),
        *({"type": "string", "pattern": regex} for regex in PATTERNS),
        {"type": "string", "pattern": "^[a-z]+$", "minLength": 30},
        {"type": "string", "pattern": "^[a-z]{2,100}$", "minLength": 90, "maxLength": 91},
        {"type": "string", "pattern": "^SKU-[A-Z0-9]+$", "minLength": 12, "maxLength": 12},
        {"type": "string", "pattern": "^[A-Z]", "minLength": 12},
    ),
)
def test_a_value_is_accepted(schema: Any) -> None:
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    for seed in range(12):
        made = value(schema, Random(seed))
        assert list(validator.iter_errors(made)) == [], made
        assert value(schema, Random(seed)) == made
        assert json.loads(json.dumps(made)) == made


@pytest.mark.parametrize(
    ("name", "regex"),
    [
        ("email", r".+@.+"),
        ("billingEmail", r".+@.+"),
        ("created_at", r"\d{4}-\d\d-\d\dT.*Z"),
        ("birthday", r"\d{4}-\d\d-\d\d"),
        ("website", r"https?://.+"),
        ("uuid", r"[0-9a-f-]{36}"),
        ("summary", r"[A-Z].+\."),
        ("currency", r"[A-Z]{3}"),
    ],
)
def test_a_property_holds_what_its_name_says(name: str, regex: str) -> None:
    schema = {"type": "object", "properties": {name: {"type": "string"}}, "required": [name]}
    assert jsonschema_rs.is_valid({"pattern": f"^{regex}$"}, value(schema, Random(3))[name])


def test_numbers_lie_where_their_names_say() -> None:
    schema = {"type": "object", "properties": {"age": {"type": "integer", "maximum": 30}}, "required": ["age"]}
    assert {18 <= value(schema, Random(seed))["age"] <= 30 for seed in range(50)} == {True}


def test_names_are_of_the_language_that_was_asked_in() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    assert any("\u0e00" <= letter <= "\u0e7f" for letter in value(schema, Random(1), language="th")["city"])


def test_the_choice_that_the_request_names_is_taken() -> None:
    schema = {"enum": ["celsius", "fahrenheit"]}
    assert {value(schema, Random(seed), about="in Fahrenheit, please") for seed in range(9)} == {"fahrenheit"}


def chain(keyword: str) -> dict[str, Any]:
    links = {f"d{i}": {keyword: [{"$ref": f"#/$defs/d{i + 1}"}, {"$ref": f"#/$defs/d{i + 1}"}]} for i in range(60)}
    return {"$defs": {**links, "d60": {"type": "integer"}}, "$ref": "#/$defs/d0"}


@pytest.mark.parametrize(
    "schema",
    some(
        {
            "type": "array",
            "minItems": 10**9,
            "items": {"type": "array", "minItems": 10**9, "items": {"type": "string", "minLength": 10**9}},
        },
        {"type": "object", "minProperties": 10**9},
        {"type": "string", "pattern": "(a{999}){999}"},
        {"type": "string", "pattern": "(){1000000000}"},
        {"type": "string", "pattern": "(" * 5000 + ")" * 5000},
        {"type": "string", "pattern": "("},
        {"type": "string", "pattern": "^(?=x)y$"},
        {"type": "string", "pattern": "^(a+)+$", "minLength": 100_000},
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        {"anyOf": [{"$ref": "#"}]},
        {"$ref": "http://127.0.0.1:1/x"},
        {"type": "object", "properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}, "required": ["a", "b"]},
        {"allOf": [{"anyOf": [{letter: 1}] * 50} for letter in "abcd"]},
        chain("allOf"),
        chain("anyOf"),
        {"not": {}},
        False,
        {"type": "integer", "minimum": 5, "maximum": 1},
        {"type": "array", "uniqueItems": True, "items": {"const": 1}, "minItems": 3},
        {"type": "array", "items": {"not": {}}, "minItems": 2000},
    ),
)
def test_what_cannot_be_satisfied_comes_to_an_end(schema: Any) -> None:
    assert len(json.dumps(value(schema, Random(1)))) < 1_000_000


@pytest.mark.parametrize("schema", some({"minimum": "3"}, {"type": "object", "required": 5}, {"type": "string", "minLength": []}))
def test_what_is_no_schema_is_told(schema: Any) -> None:
    with pytest.raises(BadSchema, match="is not of type"):
        value(schema, Random(1))


def test_a_pattern_that_cannot_be_read() -> None:
    assert pattern.matching("[z-a]", Random(1)) is None
    assert not pattern.found("(", "x")
