"""All cases by group; `python -m tests.hostile.collection [GROUP] [WORD]` plays them and counts."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.hostile.house import Cases, House, keyed_house, open_house, signing_house
from tests.hostile.inputs import INPUTS
from tests.hostile.names import NAMES, SIGNING
from tests.hostile.pages import PAGES
from tests.hostile.shapes import SHAPES
from tests.hostile.tenants import TENANTS

Opened = Callable[[Path], AbstractAsyncContextManager[House]]
GROUPS: dict[str, tuple[Cases, Opened]] = {
    "pages": (PAGES, open_house),
    "shapes": (SHAPES, keyed_house),
    "inputs": (INPUTS, keyed_house),
    "tenants": (TENANTS, keyed_house),
    "names": (NAMES, keyed_house),
    "signing": (SIGNING, signing_house),
}


async def _play(groups: list[str], only: str) -> None:
    total = right = 0
    for name in groups:
        cases, house = GROUPS[name]
        with TemporaryDirectory(prefix="hostile-") as folder:
            async with house(Path(folder)) as running:
                wrong = await cases.wrong(running, only)
        played = len([case for case in cases.all if only in case])
        total, right = total + played, right + played - len(wrong)
        sys.stdout.write(f"{name}: {played - len(wrong)} of {played} right\n")
        for case, why in wrong.items():
            sys.stdout.write(f"    {case}: {why[:300]}\n")
    sys.stdout.write(f"{right} of {total} right\n")


if __name__ == "__main__":
    asyncio.run(_play(sys.argv[1:2] or [*GROUPS], sys.argv[2] if len(sys.argv) > 2 else ""))
