"""What an operator is shown of traffic: masked, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from shortstop.app.mining import HIDDEN, Anyone, Mine
from tests.app.recorded import NOW, config, dated, record, trace_of
from tests.flywheel.traffic import mails


def test_what_privacy_finds_is_masked(tmp_path: Path) -> None:
    mine = Mine(config(tmp_path), {})
    shown = mine._masked("Mail anna.muster@example.com about my card", "acme")
    assert "anna" not in shown
    assert "about my card" in shown


def test_what_cannot_be_masked_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Mine(config(tmp_path), {})

    def hang(*_: object) -> None:
        raise TimeoutError("the detectors hang")

    monkeypatch.setattr(mine._guard, "findings", hang)
    assert mine._masked("my card", "acme") == HIDDEN


def test_listing_needs_no_teacher(tmp_path: Path) -> None:
    settings = config(tmp_path, toml='[upstreams.v]\nbase_url="http://127.0.0.1:9"\n'
                                     "[upstreams.v.models.big]\n")  # fmt: skip
    record(settings, [trace_of(e) for e in dated(mails(10))])
    (task,) = Mine(settings, {}).tasks(NOW + 1, None, lambda rows: None)
    assert (task.task, task.requests, len(task.samples)) == ("mail", 10, 3)
    assert "anybody" in Anyone()
