"""What templates must not hold: a strict policy would refuse it, some of it without a word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from shortstop.console import templates

HERE = Path(templates.__file__).parent
FILES = sorted((HERE / "templates").glob("*.html"))
FORBIDDEN = re.compile(
    r"\sstyle\s*=|<style|hx-on|hx-live|hx-vals|js:|javascript:|\son[a-z]+\s*=|hx-trigger=\"[^\"]*\["
    r"|\|\s*safe|autoescape",
    re.IGNORECASE,
)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_inline_code_no_inline_style_nothing_unescaped(file: Path) -> None:
    text = file.read_text()
    assert FORBIDDEN.search(text) is None
    for tag in re.findall(r"<script[^>]*>[^<]*", text):
        assert re.fullmatch(r"<script src=\"\{\{ static\('[\w.]+'\) \}\}\" defer>", tag)
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", text), "nothing from elsewhere"


def test_our_own_script_evaluates_nothing() -> None:
    script = (HERE / "static" / "console.js").read_text()
    for word in ("eval", "Function(", "innerHTML", "insertAdjacentHTML", "document.write"):
        assert word not in script


def test_drawings_need_no_style() -> None:
    for name in ("charts.py", "report.py"):
        assert "style=" not in (HERE / name).read_text()


def test_every_file_has_its_licence_and_is_the_one_that_was_published() -> None:
    """Vendored, not changed: htmx.org 4.0.1 and uplot 1.6.32 of the npm registry."""
    assert templates.static("htmx.min.js").startswith(b"var htmx=")
    assert b"uPlot (v1.6.32)" in templates.static("uPlot.iife.min.js")
    for licence in ("htmx.LICENSE", "uPlot.LICENSE"):
        assert (HERE / "static" / licence).stat().st_size > 200


def test_a_name_that_a_template_does_not_know_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        templates.render("login.html", next="")
