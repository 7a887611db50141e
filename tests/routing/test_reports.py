"""Reports speak of the promise that is configured now, over the evidence that there is."""

from __future__ import annotations

from shortstop.config import Config, ContractConfig, TaskConfig
from shortstop.routing import PromiseReports, State
from shortstop.routing.contract import Evidence
from shortstop.routing.overall import Overall

CONFIG = Config(
    contract=ContractConfig(max_quality_loss=0.05),
    tasks={"mail": TaskConfig(contract=ContractConfig(max_quality_loss=0.01, confidence=0.99))},
)


def test_without_evidence_there_is_nothing_to_report() -> None:
    reports = PromiseReports(State(), CONFIG)
    assert reports.contracts() == {}
    assert reports.overall() == {}


def test_each_line_is_held_against_its_task_s_own_promise() -> None:
    state = State()
    for name in ("prose|small=s", "mail|small=s", "mail|mailer=m", "k-12|small=s"):
        state.evidence.setdefault("default", {})[name] = Evidence(
            pairs=100, loss=1.0, square=1.0, local_error=3.0
        )
    reports = PromiseReports(state, CONFIG).contracts()
    assert list(reports) == sorted(state.evidence["default"]), "in order"
    needed = {name.split("|")[0]: round(report.needed, 6) for name, report in reports.items()}
    assert needed == {"k-12": 40.0, "mail": 200.0, "prose": 40.0}
    assert reports["mail|small=s"].must_escalate_traffic == 0.03 - 0.01
    assert reports["prose|small=s"].must_escalate_traffic == 0.0


def test_what_was_learned_later_is_in_the_next_report() -> None:
    state = State()
    reports = PromiseReports(state, CONFIG)
    state.overall["default"] = Overall(pairs=10, kept=4, loss=1.0)
    overall = reports.overall()["default"]
    assert (overall.pairs, overall.served_local, overall.mean_loss) == (10, 4, 0.1)
    state.evidence_for("default", "mail|small=s").pairs = 1
    assert reports.contracts()["mail|small=s"].standing == "gathering"


def test_each_tenant_has_its_lines_and_what_is_out_of_use_has_none() -> None:
    state = State()
    for owner in ("", "default", "acme"):
        state.evidence_for(owner, "mail|small=s").pairs = 1
        state.overall[owner] = Overall(pairs=1)
    reports = PromiseReports(state, CONFIG)
    assert list(reports.contracts()) == ["mail@acme|small=s", "mail|small=s"]
    assert list(reports.overall()) == ["acme", "default"]
    shared = PromiseReports(state, Config(contract=ContractConfig(evidence="shared")))
    assert list(shared.contracts()) == ["mail|small=s"]
    assert list(shared.overall()) == [""]
