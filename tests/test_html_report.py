"""The page of a run, looked at in a real browser: wide and narrow, light and dark, with its filter used."""

from __future__ import annotations

import html as markup
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from conformance.matrix import merge
from conformance.reporters import drawing, html, matrix_html, timeline
from conformance.verdict import Verdict
from mockserver.cli import main
from tests.made_report import EVERY, HELLO, case, made

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_browser = pytest.mark.skipif(CHROMIUM is None and os.environ.get("CI") != "true", reason="no chromium on this machine")

WIDE, NARROW = 1280, 500

LOOK = """
const shown = selector => [...document.querySelectorAll(selector)].filter(each => !each.hidden).length;
const choose = values => {
  for (const name of ["text", "level", "verdict"]) filter[name].value = values[name] ?? "";
  filter.dispatchEvent(new Event("input", {bubbles: true}));
  return {rows: shown("tr[data-words]"), cases: shown("details.case"), told: filter.shown.value};
};

// Contrast as in WCAG 2.2 §1.4.3
const channel = value => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
const luminance = colour => {
  const [red, green, blue] = colour.match(/[\\d.]+/g).map(Number);
  return 0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue);
};
const ground = each => {
  const colour = getComputedStyle(each).backgroundColor;
  return colour === "rgba(0, 0, 0, 0)" ? ground(each.parentElement) : colour;
};
const contrast = each => {
  const both = [luminance(getComputedStyle(each).color), luminance(ground(each))];
  return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
};
const speaks = each => [...each.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim());
const named = each => each.textContent.trim() || each.ariaLabel || each.getAttribute("aria-labelledby") || each.labels?.length;

document.querySelectorAll("details").forEach(each => each.open = true);
const seen = {
  ground: getComputedStyle(document.body).backgroundColor,
  overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  pale: [...document.querySelectorAll("body *:not(svg, svg *, script, option)")]
    .filter(each => speaks(each) && contrast(each) < 4.5).map(each => each.outerHTML.slice(0, 90)),
  unnamed: [...document.querySelectorAll("a, button, input, select, [role=region], [role=img]")].filter(each => !named(each)).length,
  ids: [...document.querySelectorAll("[id]")].map(each => each.id),
  everything: choose({}),
  level: choose({level: "L0"}),
  failing: choose({verdict: "fail"}),
  text: choose({text: "L0.HAPPY "}),
  nothing: choose({text: "no such words"}),
};
"""


def look(page: str, folder: Path, width: int = WIDE, *, dark: bool = False, script: str = "") -> Mapping[str, Any]:
    """Open a page in a browser of its own, run LOOK in it, and hand out what it saw."""
    assert CHROMIUM is not None, "CI must have a browser"
    tell = "document.body.innerHTML = ''; document.body.textContent = 'SEEN' + JSON.stringify(seen) + 'NEES';"
    file = folder / "page.html"
    file.write_text(page.replace("</body>", f"<script>{LOOK}{script}{tell}</script></body>"), encoding="utf-8", errors="replace")
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", f"--user-data-dir={folder / 'browser'}", f"--window-size={width},900",
        *(["--blink-settings=preferredColorScheme=0"] if dark else []), "--dump-dom", file.as_uri(),
    ]  # fmt: skip
    printed = subprocess.run(command, capture_output=True, text=True, timeout=50, check=True).stdout
    found = re.search("SEEN(.*)NEES", printed, re.DOTALL)
    assert found, printed[-2000:]
    seen: Mapping[str, Any] = json.loads(markup.unescape(found[1]))
    return seen


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A real run over L0, and made-up cases of every verdict behind it."""
    file = tmp_path_factory.mktemp("report") / "report.json"
    done = CliRunner().invoke(main, ["check", "--client", "reference-python", "--level", "L0", "--json", str(file)])
    assert done.exit_code == 0, done.output
    real: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return {**real, "cases": [*real["cases"], *made(*EVERY)["cases"]]}


@pytest.fixture(scope="module")
def page(report: dict[str, Any]) -> str:
    return html.render(report)


@needs_browser
@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_page_can_be_read(page: str, tmp_path: Path, width: int, dark: bool) -> None:
    seen = look(page, tmp_path, width, dark=dark)
    assert seen["ground"] == ("rgb(13, 17, 23)" if dark else "rgb(244, 245, 247)")
    assert seen["overflow"] <= 0
    assert seen["pale"] == []
    assert seen["unnamed"] == 0
    assert len(seen["ids"]) == len(set(seen["ids"]))


@needs_browser
def test_filter_narrows_matrix_and_cases(page: str, report: dict[str, Any], tmp_path: Path) -> None:
    seen = look(page, tmp_path)
    honest = [each for each in report["cases"] if each["level"] == "L0"]
    rows = len({each["id"] for each in report["cases"]})
    assert seen["everything"] == {"rows": rows, "cases": len(report["cases"]), "told": f"{rows} of {rows} cases"}
    assert (seen["level"]["rows"], seen["level"]["cases"]) == (len({each["id"] for each in honest}), len(honest))
    assert (seen["failing"]["rows"], seen["failing"]["cases"]) == (1, 1)
    assert (seen["text"]["rows"], seen["text"]["cases"]) == (1, sum(each["id"] == "L0.happy" for each in honest))
    assert seen["nothing"] == {"rows": 0, "cases": 0, "told": f"0 of {rows} cases"}


@needs_browser
def test_a_link_of_the_matrix_opens_its_case_even_when_it_is_filtered_out(page: str, tmp_path: Path) -> None:
    script = """
      document.querySelectorAll("details").forEach(each => each.open = false);
      location.hash = "L0.happy.sse"; follow();
      const there = document.getElementById("L0.happy.sse"); Object.assign(seen, {open: there.open, hidden: there.hidden});
    """
    seen = look(page, tmp_path, script=script)
    assert (seen["open"], seen["hidden"]) == (True, False)


@needs_browser
def test_matrix_of_clients_can_be_read(tmp_path: Path) -> None:
    other = {**made(case(Verdict.PASS)), "client": {**HELLO, "name": "other"}}
    seen = look(matrix_html.render(merge([made(*EVERY), other])), tmp_path, NARROW, dark=True)
    assert (seen["overflow"], seen["pale"], seen["unnamed"]) == (0, [], 0)
    assert seen["failing"]["rows"] == 1


def test_page_loads_nothing_and_runs_nothing_foreign(page: str) -> None:
    assert re.findall(r"<(?:link|img|iframe|object|embed)\b|\bsrc=|@import|url\(", page) == []
    assert all(" rel=" in tag for tag in re.findall(r'<a [^>]*href="http[^>]*>', page))
    assert page.count("<script") == 1
    assert "<b>" not in page
    assert "&lt;b&gt;" in page


def test_page_says_what_the_corpus_says_of_a_case(page: str) -> None:
    assert "A stream that ends with a finish reason and [DONE] is reported as ok, with the text that was sent." in page
    assert "streamproof cases serve L0.happy" in page


def test_page_of_a_run_in_which_nothing_ran() -> None:
    assert "0 runs of 0 cases" in html.render({**made(), "client": {}})


# The drawing


def transcript(*lines: float, requests: tuple[tuple[float, float | None], ...] = ()) -> dict[str, Any]:
    """Client lines at these milliseconds; requests from and to these seconds."""
    return {
        "began_at": 100.0,
        "runs": [
            {
                "run": "r1", "started_ms": 0.0, "outcome": "ok", "result_ms": max(lines, default=None), "lost": None,
                "lines": [{"type": "delta", "at_ms": at, "text": f"word {at}"} for at in lines],
            },
        ],
        "server": {
            "connections": [],
            "requests": [
                {
                    "request": number, "connection": 1, "received_at": start, "method": "POST", "status": 200, "writes": [],
                    "ended_at": end, "ended_how": "end", "ended_by": "server",
                }
                for number, (start, end) in enumerate(requests, 1)
            ],
        },
    }  # fmt: skip


def drawn(*lines: float, requests: tuple[tuple[float, float | None], ...] = ()) -> drawing.Drawing:
    made = drawing.draw(transcript(*lines, requests=requests))
    assert made is not None
    return made


def test_drawing_is_to_scale() -> None:
    made = drawn(0, 250, 1000)
    left, quarter, right = (mark.x for mark in made.marks)
    assert quarter - left == pytest.approx((right - left) / 4)
    assert right == drawing.WIDTH - drawing.RIGHT
    assert [tick.text for tick in made.ticks] == ["0 ms", "200 ms", "400 ms", "600 ms", "800 ms", "1 s"]
    assert made.ticks[-1].at == pytest.approx(right)


def test_lanes_do_not_mix() -> None:
    made = drawn(0, 500, requests=((100.0, 100.5),))
    above = [mark.label.y for mark in made.marks if mark.lane == "server" and mark.label]
    below = [mark.label.y for mark in made.marks if mark.lane == "client" and mark.label]
    assert above
    assert below
    assert max(above) < made.axis < min(below) < made.height


def test_labels_do_not_overlap_and_stay_inside() -> None:
    labels = [mark.label for mark in drawn(*(each * 3.0 for each in range(60))).marks if mark.label]
    rows = {label.y for label in labels}
    assert len(rows) == drawing.LABEL_ROWS
    for row in rows:
        spans = sorted((label.x, label.x + len(label.text) * drawing.LETTER) for label in labels if label.y == row)
        assert all(before[1] <= after[0] for before, after in pairwise(spans))
        assert spans[-1][1] <= drawing.WIDTH + 0.1


def test_answers_at_once_get_rows_of_their_own() -> None:
    bars = [bar for bar in drawn(900, requests=((100.0, 100.5), (100.1, 100.3), (100.6, None))).bars if bar.lane == "server"]
    assert bars[0].y != bars[1].y
    assert bars[0].y == bars[2].y
    assert bars[0].width == pytest.approx(2.5 * bars[1].width)
    assert bars[2].x + bars[2].width == pytest.approx(drawing.WIDTH - drawing.RIGHT)


def test_a_huge_line_of_the_client_is_shown_in_part() -> None:
    huge = transcript(1)
    huge["runs"][0]["lines"][0]["text"] = "x" * 100_000
    ((_, _, said),) = timeline.happenings(huge)
    assert len(said) < 400
    assert "letters" in said


def test_nothing_that_happened_is_no_drawing() -> None:
    assert drawing.draw(transcript()) is None


@pytest.mark.parametrize(("most", "step"), [(0.4, "0.05 ms"), (7, "1 ms"), (9000, "2 s"), (61_000, "10 s")])
def test_ticks_are_round(most: float, step: str) -> None:
    assert drawn(0, most).ticks[1].text == step
