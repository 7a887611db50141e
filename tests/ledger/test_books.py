"""Bills: what is known is exact, what is not is loud, what is local costs something too."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.config import Config, LedgerConfig, parse
from shortstop.ledger import Books
from shortstop.types import Attempt, Bill, Request, Target, Usage
from tests.conftest import FakeClock

REQUEST = Request("req_1", "openai.chat", {}, "auto", ())
LOCAL = Target("small", "smollm2", local=True, provider="embedded", context=4096)


def remote(name: str, **more: Any) -> Target:
    return Target(name, more.pop("model", name), False, "openai", 128_000, **more)


def books(*names: str, extra: str = "", targets: tuple[Target, ...] = ()) -> Books:
    tables = "".join(f'[upstreams.up.models."{name}"]\n' for name in names)
    upstream = f'[upstreams.up]\nbase_url = "http://127.0.0.1:9/v1"\n{tables}' if names else ""
    config = parse(f'{extra}\n[models.small]\nsource = "builtin"\n{upstream}', {})
    found = {t.name: t for t in (LOCAL, *map(remote, names), *targets)}
    return Books(found, config, clock=FakeClock())


SHORT, LONG = Usage(60, output=12), Usage(1000, output=300)


def local(seconds: float = 1.0, usage: Usage | None = SHORT, **more: Any) -> Attempt:
    return Attempt("small", True, more.pop("outcome", "ok"), seconds, usage=usage, **more)


def asked(name: str, usage: Usage | None = LONG, **more: Any) -> Attempt:
    return Attempt(name, False, more.pop("outcome", "ok"), 1.0, usage=usage, **more)


def bill(books: Books, *attempts: Attempt) -> Bill:
    return books.bill(REQUEST, attempts, attempts[-1] if attempts else None)


# ---------------------------------------------------------------- remote


def test_the_baselines_own_answer_saves_nothing() -> None:
    made = bill(books("claude-opus-5-5"), asked("claude-opus-5-5"))
    assert made.cost == made.counterfactual == Decimal("0.01")
    assert made.saved == 0
    assert made.baseline == "claude-opus-5-5"


def test_every_billed_attempt_counts() -> None:
    made = bill(
        books("claude-opus-5-5"),
        local(outcome="rejected"),
        asked("claude-opus-5-5", outcome="error", usage=None),
        asked("claude-opus-5-5", outcome="cancelled", usage=Usage(1000, estimated=True)),
        asked("claude-opus-5-5"),
    )
    assert made.cost_remote == Decimal("0.014")
    assert made.cost == made.cost_remote + made.cost_local
    assert made.saved is not None
    assert made.saved < 0


def test_two_equal_attempts_are_two() -> None:
    made = bill(books("claude-opus-5-5"), asked("claude-opus-5-5"), asked("claude-opus-5-5"))
    assert made.cost == Decimal("0.02")


def test_a_cheaper_remote_is_compared_with_the_frontier() -> None:
    made = bill(books("claude-opus-5-5", "claude-haiku-5-5"), asked("claude-haiku-5-5"))
    assert (made.cost, made.counterfactual) == (Decimal("0.00025"), Decimal("0.01"))


def test_routing_frontier_names_the_baseline() -> None:
    made = books(
        "claude-haiku-5-5", "claude-opus-5-5", extra='[routing]\nfrontier = "claude-opus-5-5"'
    )
    assert made.baseline == "claude-opus-5-5"


# ---------------------------------------------------------------- unknown prices


def test_an_unknown_price_is_loud_and_never_zero() -> None:
    found = books("claude-opus-5-5", "mystery")
    assert found.unpriced() == ("mystery",)
    made = bill(found, local(outcome="rejected"), asked("mystery"))
    assert made.cost is None
    assert made.cost_remote is None
    assert made.cost_local > 0
    assert made.unpriced == ("mystery",)
    assert made.saved is None
    assert made.joules.high > made.joules.low > 0


def test_an_answer_without_usage_has_no_price() -> None:
    made = bill(books("claude-opus-5-5"), asked("claude-opus-5-5", usage=None))
    assert made.cost is None
    assert made.unpriced == ("claude-opus-5-5",)


def test_an_unknown_baseline_is_loud() -> None:
    made = bill(books("mystery"), local())
    assert made.cost is not None
    assert made.counterfactual is None
    assert made.unpriced == ("mystery",)


def test_a_target_that_the_configuration_lost_is_loud() -> None:
    assert bill(books("claude-opus-5-5"), asked("gone")).unpriced == ("gone",)


def test_the_operators_price_wins() -> None:
    found = books("mystery", extra="[prices.mystery]\ninput = 1\noutput = 2")
    assert bill(found, asked("mystery")).cost == Decimal("0.0016")


def test_a_models_price_may_point_at_another() -> None:
    config = parse(
        '[models.small]\nsource = "builtin"\n[upstreams.up]\nbase_url = "http://127.0.0.1:9/v1"\n'
        '[upstreams.up.models.mine]\nmodel = "deployment-7"\nprice = "anthropic/claude-opus-5-5"',
        {},
    )
    target = remote("mine", model="deployment-7", price="anthropic/claude-opus-5-5")
    made = bill(Books({"small": LOCAL, "mine": target}, config), asked("mine"))
    assert made.cost == Decimal("0.01")


# ---------------------------------------------------------------- local


def test_a_local_answer_costs_its_share_of_the_machine() -> None:
    """$47.42 a month over 30% of it: $0.0000601 a busy second."""
    found = books("claude-opus-5-5")
    made = bill(found, local(seconds=2.0))
    assert found.machine.usd_per_month == Decimal("47.41825")
    month = found.machine.usd_per_month / (Decimal("0.3") * 730 * 3600)
    assert made.cost == (2 * month).quantize(Decimal("1e-12"))
    assert made.cost_remote == 0


def test_slots_share_the_machine() -> None:
    config = parse('[models.small]\nsource = "builtin"\nslots = 2', {})
    one = bill(Books({"small": LOCAL}, Config(models={})), local())
    two = bill(Books({"small": LOCAL}, config), local())
    four = bill(Books({"small": LOCAL}, config, slots={"small": 4}), local())
    assert one.cost_local > two.cost_local > four.cost_local
    assert abs(one.cost_local - 4 * four.cost_local) < Decimal("1e-11")


def test_without_an_upstream_there_is_no_baseline_and_nothing_is_saved() -> None:
    made = bill(Books({"small": LOCAL}, Config()), local(usage=Usage(1000, output=300)))
    assert made.baseline is None
    assert made.counterfactual == 0
    assert made.saved == -made.cost_local
    assert made.unpriced == ()


def test_without_an_upstream_a_reference_model_stands_for_all_llm() -> None:
    named = Config(ledger=LedgerConfig(reference_model="claude-opus-5-5"))
    made = bill(Books({"small": LOCAL}, named), local(usage=Usage(1000, output=300)))
    assert made.baseline == "reference:claude-opus-5-5"
    assert made.counterfactual == Decimal("0.01")


@pytest.mark.parametrize(
    ("cached", "expected"),
    [(1000, "0.0060"), (1023, "0.006092"), (1024, "0.0022048"), (5000, "0.003")],
)
def test_a_warm_local_prefix_counts_as_cached_at_the_vendor_where_vendors_cache(
    cached: int, expected: str
) -> None:
    made = bill(books("claude-opus-5-5"), local(usage=Usage(0, cache_read=cached, output=100)))
    assert made.counterfactual == Decimal(expected)


def test_nothing_answered_saves_nothing_and_local_tries_count() -> None:
    made = bill(books("claude-opus-5-5"), local(usage=None, outcome="error"))
    assert made.counterfactual == 0
    assert made.saved == -made.cost_local


def test_a_refused_request_costs_nothing() -> None:
    made = bill(books("claude-opus-5-5"))
    assert (made.cost, made.counterfactual, made.saved) == (0, 0, 0)


# ---------------------------------------------------------------- energy


class Meter:
    def __init__(self, watts: float | None) -> None:
        self._watts = watts

    def watts(self) -> float | None:
        return self._watts


def test_a_meter_makes_joules_measured() -> None:
    config = parse('[models.small]\nsource = "builtin"', {})
    measured = Books({"small": LOCAL}, config, meter=Meter(40.0))
    silent = Books({"small": LOCAL}, config, meter=Meter(None))
    assert bill(measured, local()).joules.basis == "measured"
    assert bill(silent, local()).joules.basis == "modelled"
    assert bill(measured, local()).joules.low == pytest.approx(20.0)


def test_measured_and_modelled_together_are_modelled() -> None:
    config = parse(
        '[models.small]\nsource = "builtin"\n[upstreams.up]\nbase_url = "http://127.0.0.1:9/v1"\n'
        '[upstreams.up.models."claude-opus-5-5"]',
        {},
    )
    targets = {"small": LOCAL, "claude-opus-5-5": remote("claude-opus-5-5")}
    found = Books(targets, config, meter=Meter(40.0))
    assert bill(found, local(), asked("claude-opus-5-5")).joules.basis == "modelled"
    assert bill(found, local()).joules.basis == "measured"


def test_the_frontiers_energy_is_ecologits_line() -> None:
    """flywheel.md section 5: opus-5.5, 300 tokens, 0.97 to 1.82 Wh."""
    made = bill(books("claude-opus-5-5"), asked("claude-opus-5-5"))
    assert made.joules.low / 3600 == pytest.approx(0.97, abs=0.01)
    assert made.joules.high / 3600 == pytest.approx(1.82, abs=0.01)
    assert made.gco2.value == pytest.approx(made.joules.value / 3.6e6 * 384)


counts = st.integers(min_value=0, max_value=10_000_000)
usages = st.builds(
    Usage, input=counts, cache_read=counts, cache_write=counts, cache_write_1h=counts,
    input_audio=counts, output=counts, reasoning=counts, output_audio=counts,
)  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(["small", "a", "b"]), usages | st.none())))
def test_bills_add_up(tries: list[tuple[str, Usage | None]]) -> None:
    names = {"a": "claude-opus-5-5", "b": "claude-haiku-5-5"}
    found = books(*names.values())
    attempts = [
        local(usage=usage) if who == "small" else asked(names[who], usage, outcome="cancelled")
        for who, usage in tries
    ]
    made = bill(found, *attempts)
    assert made.cost is not None
    assert made.cost_remote is not None
    assert made.cost == made.cost_local + made.cost_remote
    one_by_one = [bill(found, attempt) for attempt in attempts]
    assert made.cost_remote == sum((b.cost_remote or 0 for b in one_by_one), Decimal(0))
    assert made.joules.low <= made.joules.value <= made.joules.high
    assert made.counterfactual_joules.low <= made.counterfactual_joules.high


def test_an_answer_from_a_batch_has_the_tariff_of_batches_or_the_discount() -> None:
    batched = Usage(1000, output=300, served=("batch",))
    own = "[prices.odd]\ninput = 4\noutput = 20\n"
    known, odd = "claude-opus-5-5", "odd"
    for name, extra in ((known, ""), (odd, own)):
        made = books(name, extra=extra)
        usual, half = bill(made, asked(name)), bill(made, asked(name, batched))
        assert usual.cost is not None
        assert half.cost == usual.cost / 2
    text = f'{own}[models.small]\nsource = "builtin"\n[upstreams.up]\nbatch_discount = 0.25\n'
    config = parse(f'{text}base_url = "http://127.0.0.1:9/v1"\n[upstreams.up.models.odd]\n', {})
    quarter = Books({"odd": remote("odd")}, config, clock=FakeClock())
    assert bill(quarter, asked("odd", batched)).cost == Decimal("0.0075")
