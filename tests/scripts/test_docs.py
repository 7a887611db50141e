"""What the documents name is there: files, headings, metrics, commands."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from scripts.reference.commands import commands
from scripts.reference.metrics import page as metrics

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The headings of a page as a link names them."""
    heads = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_link_is_broken(page: Path) -> None:
    for link in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_site_leads_to_every_page() -> None:
    project = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]
    led = re.findall(r"'([^']+\.md)'", str(project["nav"]))
    docs = ROOT / project["docs_dir"]
    assert sorted(led) == sorted(str(p.relative_to(docs)) for p in docs.glob("**/*.md"))


def test_the_alerts_ask_for_metrics_that_are() -> None:
    rules = (ROOT / "deploy" / "alerts.yml").read_text(encoding="utf-8")
    asked = set(re.findall(r"\bshortstop_\w+", rules))
    assert len(asked) > 5
    assert asked <= set(re.findall(r"`(shortstop_\w+)`", metrics()))


def test_every_command_of_the_readme_is_one() -> None:
    known = {words for words, _ in commands()}
    groups = {words.split()[0] for words in known}
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"`shortstop ([a-z]+(?: [a-z]+)?)", text)
    assert len(named) > 10
    for words in named:
        first = words.split()[0]
        assert words in known or first in known or (first in groups and words == first), words


def test_the_readmes_figures_are_measured_ones() -> None:
    """Every share in it stands in the benchmarks, beside the command that makes it again."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Try it")[0]
    measured = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    figures = re.findall(r"\d+\.\d(?= ?%| and \d)", text)
    assert len(figures) > 5
    assert [figure for figure in figures if figure not in measured] == []
