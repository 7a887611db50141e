"""The document is read back from its JSON as it was."""

from __future__ import annotations

import msgspec

from shortstop.backtest.result import Backtest
from tests.backtest.test_verdict import conclude


def test_json_holds_all_of_it() -> None:
    found = conclude(0.5)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Backtest) == found
