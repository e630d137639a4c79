"""JUnit XML: a testcase a case, a failed check as `<failure>`, an inconclusive one as `<error>`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

from conformance.reporters.printable import printable

FAILED = ("fail", "unexpected-pass")
SKIPPED = ("n/a", "known-fail")


def render(report: Mapping[str, Any]) -> str:
    """The report as one test suite."""
    cases = report["cases"]
    suite = ET.Element(
        "testsuite",
        name=printable(f"streamproof {report['client'].get('name', '')}".strip()),
        tests=str(len(cases)),
        failures=str(sum(case["verdict"] in FAILED for case in cases)),
        errors=str(sum(case["verdict"] == "inconclusive" for case in cases)),
        skipped=str(sum(case["verdict"] in SKIPPED for case in cases)),
        time=f"{report['seconds']:.3f}",
        timestamp=report["made_at"],
    )
    for case in cases:
        _testcase(suite, case)
    ET.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(suite, encoding="unicode") + "\n"


def _testcase(suite: ET.Element, case: Mapping[str, Any]) -> None:
    where = ",".join(part for part in (case["transport"], case.get("variant")) if part)
    element = ET.SubElement(suite, "testcase", classname=f"streamproof.{case['level']}", name=f"{case['id']}[{where}]")
    element.set("time", f"{case['seconds']:.3f}")
    tag = "failure" if case["verdict"] in FAILED else "error" if case["verdict"] == "inconclusive" else None
    told = [check for check in case["checks"] if check["verdict"] in (*FAILED, "inconclusive")]
    if tag is not None:
        text = "\n".join(f"{check['severity']} {check['id']}: {_why(check)}" for check in told)
        ET.SubElement(element, tag, message=printable(f"{case['title']}: {', '.join(check['id'] for check in told)}")).text = printable(
            text
        )
    elif case["verdict"] in SKIPPED:
        ET.SubElement(element, "skipped", message=printable(_why(case["checks"][0])))


def _why(check: Mapping[str, Any]) -> str:
    return str(check.get("reason") or check.get("evidence") or "")
