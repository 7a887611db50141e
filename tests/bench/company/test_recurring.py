"""The recurring tools are three assistants' requests, and the simulated judge knows their calls."""

from __future__ import annotations

import json

from bench.company.apps import NO_CALL, applications
from bench.company.recurring import recurring
from bench.company.score import calls


def test_each_assistant_is_an_application_with_a_later_part() -> None:
    apps = applications(recurring())
    assert [app.kind for app in apps] == ["tools"] * 3
    assert sum(len(app.items) for app in apps) == 2000
    assert sum(item.late for app in apps for item in app.items) == 600
    for app in apps:
        assert len({item.tools for item in app.items}) == 1
        (called, silent) = (
            next(item for item in app.items if bool(item.gold) == wanted)
            for wanted in (True, False)
        )
        assert calls(app.says(called.gold, called), called.gold)
        assert json.loads(app.says(called.gold, called))
        assert app.says(silent.gold, silent) == NO_CALL
