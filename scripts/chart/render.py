"""Manifests out of the chart, by Helm's own code. Needs the environment of `make chart`.

python -m scripts.chart.render           lint, render every case, write what changed
python -m scripts.chart.render --check   the same, but only say what differs
python -m scripts.chart.render --values FILE   print what these values give
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import helm_python
import yaml

from scripts.chart.cases import CASES, CHART, DIGEST, PLAIN, ROOT, SMALL, Case, digest

NAME = "shortstop"
"""Of the release and its namespace."""
HEAD = "# Made by `make chart` from deploy/helm/shortstop. Change the chart instead.\n"
HELMS_OWN = re.compile(r"^ *(app\.kubernetes\.io/managed-by: Helm|helm\.sh/chart: .*)\n", re.M)
"""Labels that would be untrue of manifests that somebody applies by hand."""


def render(values: Path) -> str:
    """All manifests in one text, in the templates' order. Raises helm_python.HelmError."""
    given: dict[str, Any] = yaml.safe_load(values.read_text(encoding="utf-8")) or {}
    with helm_python.Chart.load(str(CHART)) as chart:
        chart.validate_schema(given)
        files = chart.render(given, name=NAME, namespace=NAME)
    texts = [
        tidy(text)
        for path, text in sorted(files.items())
        if path.endswith(".yaml") and text.strip()
    ]
    return HEAD + "".join(f"---\n{text}\n" for text in texts)


def tidy(text: str) -> str:
    """Without blanks that templates leave at the ends of lines and files."""
    return re.sub(r"[ \t]+$", "", text, flags=re.M).strip()


def wanted(case: Case) -> str:
    text = render(case.values)
    return HELMS_OWN.sub("", text) if case is SMALL else text


def outputs() -> dict[Path, str]:
    """What every file should hold."""
    made = {case.golden: wanted(case) for case in CASES}
    kustomization = f"{HEAD}resources:\n  - {SMALL.golden.name}\n"
    return {**made, PLAIN / "kustomization.yaml": kustomization, DIGEST: digest() + "\n"}


def lint() -> list[str]:
    """What Helm finds wrong with the chart, for every case; "info" is not wrong."""
    found = []
    for case in CASES:
        given = yaml.safe_load(case.values.read_text(encoding="utf-8"))
        report = helm_python.lint(str(CHART), given, strict=True)
        found += [f"{m['path']}: {m['error']}" for m in report["messages"] if m["severity"] > 1]
        found += [str(error) for error in report["errors"]]
    return found


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--values"]:
        try:
            print(render(Path(arguments[1])), end="")
        except helm_python.HelmError as error:
            print(error, file=sys.stderr)
            return 1
        return 0
    wrong = lint()
    for path, text in outputs().items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if "--check" in arguments:
            wrong.append(f"{path.relative_to(ROOT)}: differs from what Helm renders")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"Wrote {path.relative_to(ROOT)}")
    print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
