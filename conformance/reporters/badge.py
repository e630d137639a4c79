"""Badges: one JSON a level and one for the whole, in the form badge services read as an endpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

COLOURS = {"passed": "brightgreen", "failed": "red", "blocked": "yellow", "not run": "lightgrey"}


def badges(report: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Every badge by its file's name."""
    made = {level["level"]: _badge(f"streamproof {level['level']}", level["state"], COLOURS[level["state"]]) for level in report["levels"]}
    passed = [level["level"] for level in report["levels"] if level["state"] == "passed"]
    code = report["exit"]["code"]
    message = f"passes {passed[-1]}" if code == 0 and passed else "fails" if code == 1 else "not judged"
    made["streamproof"] = _badge("streamproof", message, {0: "brightgreen", 1: "red"}.get(code, "lightgrey"))
    return made


def _badge(label: str, message: str, colour: str) -> dict[str, Any]:
    return {"schemaVersion": 1, "label": label, "message": message, "color": colour}


def write(folder: Path, report: Mapping[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, badge in badges(report).items():
        (folder / f"{name}.json").write_text(json.dumps(badge) + "\n", encoding="utf-8")
