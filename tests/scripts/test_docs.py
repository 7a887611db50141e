"""What the documents name is there: files, headings, metrics, commands."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from scripts.reference.commands import commands
from scripts.reference.metrics import page as metrics

from shortstop.cli.commands import Commands
from shortstop.config import parse

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
TOML = re.compile(r"^```toml\n(.*?)^```", re.MULTILINE | re.DOTALL)
VARIABLE = re.compile(r"[A-Z][A-Z_]{3,}")
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


BLOCKS = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
    for number, block in enumerate(TOML.findall(page.read_text(encoding="utf-8")), start=1)
]


@pytest.mark.parametrize("block", BLOCKS)
def test_what_is_copied_from_a_page_is_a_configuration(block: str) -> None:
    parse(block, dict.fromkeys(VARIABLE.findall(block), "x"))


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


def test_the_readmes_demo_is_all_of_its_runs() -> None:
    """From the least to the most of the benchmarks' table, no run left out."""
    measured = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    cells = [row[1:-1].split("|") for row in re.findall(r"^\| \d \|.*\|$", measured, re.MULTILINE)]
    local, right, cost = (figures(cells, column) for column in (1, 2, 4))
    first = [float(one) for row in cells for one in re.findall(r"(\d+) / \d+", row[3])]
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"second day, {NUMBERS[len(cells)]} runs" in text
    assert f"{min(local):.0f} to {max(local):.0f} % of the requests of two" in text
    assert f"in {min(first):.0f} to {max(first):.0f} ms" in text
    assert f"at {min(cost):.0f} to {max(cost):.0f} % of what the frontier" in text
    assert f"{min(right)} to {max(right)} % of those tasks' answers" in text


def figures(rows: list[list[str]], column: int) -> list[float]:
    """The figures of a column, without intervals."""
    return [
        float(one)
        for row in rows
        for one in re.findall(r"\d+(?:\.\d)?", re.sub(r"\[.*?\]", "", row[column]))
    ]


def test_the_readme_names_every_command() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in Commands() if not re.search(rf"`(shortstop )?{name}\b", text)] == []
