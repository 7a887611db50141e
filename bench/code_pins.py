"""Which files of installed packages are pinned, and by what.

    python -m bench.code_pins [--files 1000] [--label SECRET]

Drawn with a fixed seed from those whose path has an even digest: the others are what the weights of
the secret scorer were fitted on.
"""

from __future__ import annotations

import argparse
import hashlib
import random
from collections import Counter
from pathlib import Path

from bench.processes import ROOT
from shortstop.evaluate.figures import wilson
from shortstop.privacy.detect.scan import Unreadable, scan
from shortstop.privacy.leaves import Leaf
from shortstop.types import Tier

PACKAGES = ROOT / ".venv/lib/python3.11/site-packages"
KINDS = ("py", "js", "md", "json", "yaml")
LONGEST = 30_000


def drawn(count: int, seed: int = 13) -> list[Path]:
    paths = sorted(p for kind in KINDS for p in PACKAGES.rglob(f"*.{kind}") if p.stat().st_size)
    even = [p for p in paths if _digest(p) % 2 == 0]
    return random.Random(seed).sample(even, min(count, len(even)))


def _digest(path: Path) -> int:
    return hashlib.sha256(str(path.relative_to(PACKAGES)).encode()).digest()[0]


def labels(text: str) -> dict[str, str]:
    """What pins a text: label -> what was found."""
    try:
        found = scan([Leaf("$", text)])
    except Unreadable as error:
        return {f"unreadable: {error}": ""}
    return {f"{f.label} ({f.rule})": text[f.start : f.end] for f in found if f.tier >= Tier.S2}


def main() -> None:
    parser = argparse.ArgumentParser(description="Pinned files of installed packages.")
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--label", default="", help="only findings of this label, each shown")
    args = parser.parse_args()
    paths = drawn(args.files)
    counts: Counter[str] = Counter()
    pinned = 0
    for path in paths:
        found = labels(path.read_text(encoding="utf-8", errors="replace")[:LONGEST])
        kept = {name: value for name, value in found.items() if name.startswith(args.label)}
        pinned += bool(kept)
        counts.update(name.split(":")[-1] for name in kept)
        if args.label and kept:
            for name, value in kept.items():
                print(f"{path.relative_to(PACKAGES)}: {name} {value[:60]!r}")
    low, high = wilson(pinned, len(paths))
    print(f"pinned {pinned} of {len(paths)} ({pinned / len(paths):.1%}, {low:.1%} to {high:.1%})")
    for name, count in counts.most_common(20):
        print(f"{count:6} {name}")


if __name__ == "__main__":
    main()
