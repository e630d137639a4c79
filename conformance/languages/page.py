"""A page in Chromium, which Node opens: `_browser.mjs` serves its folder and hands it the lines of the adapter protocol."""

from __future__ import annotations

from pathlib import Path

from conformance.languages import Language, found, node

BROWSERS = "chromium|chromium-browser|google-chrome"


def command(adapter: Path, folder: Path | None) -> list[str]:
    page = node.beside(adapter, folder) if folder else adapter
    return ["node", str(page.parent / "_browser.mjs"), found(BROWSERS) or "chromium", str(page)]


LANGUAGE = Language("npm", (BROWSERS, "node"), ("npm",), "install Chromium, and Node.js 20 or later", node.fetch, command)
