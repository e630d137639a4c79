"""Self-contained HTML pages from the templates of this folder: nothing in them is loaded from anywhere."""

from __future__ import annotations

from typing import Any

from conformance.verdict import Verdict

SIGNS = {
    Verdict.PASS: "✓",
    Verdict.FAIL: "✗",
    Verdict.WARN: "!",
    Verdict.INFO: "i",
    Verdict.NOT_APPLICABLE: "–",
    Verdict.INCONCLUSIVE: "?",
    Verdict.KNOWN_FAIL: "≈",
    Verdict.UNEXPECTED_PASS: "⚠",
}


def fill(template: str, **values: Any) -> str:
    """The page. Everything that a client or a server said is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("conformance", "reporters"), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    environment.filters["word"] = lambda verdict: verdict.replace("/", "")
    return environment.get_template(template).render(signs=SIGNS, **values)
