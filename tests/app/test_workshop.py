"""The workshop as a configuration describes it."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from shortstop.app.workshop import Workshop
from shortstop.errors import ConfigError, StoreError
from shortstop.flywheel.gather import TaskKey
from shortstop.types import Clearance, Reach, Tier
from tests.app.recorded import NOW, TOML, config, dated, record, trace_of
from tests.flywheel.traffic import mails

KEY = TaskKey("acme", "mail")


def test_teachers_are_those_that_the_operator_allows(tmp_path: Path) -> None:
    more = '[upstreams.other]\nbase_url = "http://127.0.0.1:9"\n[upstreams.other.models.huge]\n'
    assert Workshop(config(tmp_path, toml=TOML + more), {}).recorded.teachers == {"big"}


def test_traffic_is_read_with_the_seal_of_the_gateway(tmp_path: Path) -> None:
    settings = config(tmp_path)
    record(settings, [trace_of(e) for e in dated(mails(5))])
    assert b"ticket" not in (tmp_path / "traces.db").read_bytes()
    traffic, _ = Workshop(settings, {}).recorded.traffic(NOW + 1)
    assert [e.query.text for e in traffic[KEY].examples] == [e.query.text for e in mails(5)]


def test_rows_that_are_nearly_over_teach_nobody(tmp_path: Path) -> None:
    settings = config(tmp_path)
    old = dated(mails(3), NOW - 180 * 86_400)
    record(settings, [trace_of(e) for e in old])
    traffic, _ = Workshop(settings, {}).recorded.traffic(NOW + 1)
    assert KEY not in traffic


@pytest.mark.parametrize(("allowed", "examples"), [(False, 1), (True, 2)])
def test_what_privacy_keeps_here_teaches_only_where_the_operator_says_so(
    tmp_path: Path, allowed: bool, examples: int
) -> None:
    settings = config(tmp_path, f"pinned = {str(allowed).lower()}\n")
    one, two = (trace_of(e) for e in dated(mails(2)))
    record(settings, [one, replace(two, clearance=Clearance(Tier.S2, Reach.LOCAL_ONLY))])
    traffic, _ = Workshop(settings, {}).recorded.traffic(NOW + 1)
    assert traffic[KEY].seen == examples


def test_an_unknown_kind_is_named(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="needs the extra [learn]")
    with pytest.raises(ConfigError, match="'oracle', which is no kind"):
        Workshop(config(tmp_path, 'kinds = ["oracle"]\n'), {}).trainers()


def test_only_the_kinds_that_are_named_are_tried(tmp_path: Path) -> None:
    trainers = Workshop(config(tmp_path, 'kinds = ["composed"]\n'), {}).trainers()
    assert [trainer.kind for trainer in trainers] == ["composed"]


def test_a_lack_of_the_encoder_is_no_reason_to_fail_before_it_is_needed(tmp_path: Path) -> None:
    workshop = Workshop(config(tmp_path), {})
    assert workshop.encoder is None
    with pytest.raises(StoreError, match="not installed"):
        workshop._needed_encoder()


def test_answers_are_compared_as_the_task_says(tmp_path: Path) -> None:
    toml = TOML + '[tasks.mail]\ngrader = "numeric"\n'
    workshop = Workshop(config(tmp_path, toml=toml), {})
    assert workshop.grade("mail")("It is 7", replace(mails(1)[0], answer="7.0")) == 1.0
    assert workshop.grade("other")("It is 7", replace(mails(1)[0], answer="7.0")) == 0.0


def test_a_new_night_begins_without_what_another_had_half_trained(tmp_path: Path) -> None:
    workshop = Workshop(config(tmp_path), {})
    left = workshop.paths.workshop / "adapters" / "0123" / "checkpoint.npz"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"weights")
    workshop.begin()
    assert not left.parent.exists()
    workshop.begin()
