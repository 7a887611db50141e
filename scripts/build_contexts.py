"""Export how many tokens models take: src/shortstop/ledger/data/contexts-DATE.json.

    python -m scripts.build_contexts 2026-11-23

From the installed genai-prices, as the price sheet of the same date is. A table that exists is
never overwritten.
"""

from __future__ import annotations

import sys
from datetime import date

import msgspec
from genai_prices.data import providers

from scripts.build_prices import DATA


def main(day: str) -> None:
    table = {
        f"{source.id}/{model.id}": model.context_window
        for source in providers
        for model in source.models
        if model.context_window
    }
    path = DATA / f"contexts-{day}.json"
    with path.open("xb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(table), indent=0) + b"\n")
    print(f"{path}: {len(table)} models")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else date.today().isoformat())
