"""What the operator configured per task, and under which names things are learned."""

from __future__ import annotations

import msgspec
import pytest

from shortstop.config import Config, ContractConfig, RouteOverride, RoutingConfig, TaskConfig
from shortstop.routing import Promise
from shortstop.routing.policies import TaskPolicies, evidence_name, key_of, promise_of
from tests.routing.test_constraints import BIG, SMALL

STRICT = ContractConfig(max_quality_loss=0.01, confidence=0.99, scope="answers", audit_rate=0.2)
CONFIG = Config(
    contract=ContractConfig(max_quality_loss=0.05),
    tasks={
        "mail": TaskConfig(contract=STRICT, grader="exact"),
        "prose": TaskConfig(match="You write"),
    },
)


def policies() -> TaskPolicies:
    return TaskPolicies({"small": SMALL, "big": BIG}, CONFIG)


def test_a_task_s_own_contract_goes_before_the_general_one() -> None:
    assert policies().contract("mail") is STRICT
    assert policies().contract("prose") is CONFIG.contract
    assert policies().contract("k-123") is CONFIG.contract


def test_promises_are_those_of_the_contracts() -> None:
    assert policies().promise("mail") == Promise(0.01, 0.99, 0.2, per_answer=True)
    assert policies().promise("prose") == policies().overall == Promise(0.05, 0.95, 0.05)
    assert policies().promise("mail").delta == pytest.approx(0.01)


@pytest.mark.parametrize(("scope", "per_answer"), [("traffic", False), ("answers", True)])
def test_the_scope_is_what_the_mean_is_over(scope: str, per_answer: bool) -> None:
    contract = msgspec.convert({"scope": scope}, ContractConfig)
    assert promise_of(contract).per_answer is per_answer


def test_graders_are_those_that_were_named() -> None:
    assert policies().grader("mail") == "exact"
    assert policies().grader("prose") is None
    assert policies().grader("open") is None


def test_a_tenants_route_goes_before_that_of_all_and_the_first_before_later_ones() -> None:
    routes = (
        RouteOverride(task="mail", route="local"),
        RouteOverride(task="mail", route="auto", tenant="acme"),
        RouteOverride(task="mail", route="frontier"),
    )
    found = TaskPolicies(
        {}, msgspec.structs.replace(CONFIG, routing=RoutingConfig(overrides=routes))
    )
    declared = CONFIG.tasks["mail"]
    assert found.settings("mail", "default", declared).route == "local"
    assert found.settings("mail", "default", declared).grader == "exact"
    assert found.settings("mail", "acme", declared).route == "auto"
    assert found.settings("prose", "acme", declared) is declared
    assert policies().settings("mail", "acme", declared) is declared


def test_another_model_behind_a_name_is_somebody_else() -> None:
    swapped = msgspec.structs.replace(SMALL, model="other")
    assert key_of(SMALL) == "small=smol-135"
    assert key_of(swapped) != key_of(SMALL)
    assert key_of(msgspec.structs.replace(SMALL, context=1, state="shadow")) == key_of(SMALL)


def test_a_target_that_is_gone_keeps_its_name() -> None:
    assert policies().key("small") == "small=smol-135"
    assert policies().key("gone") == "gone"


def test_evidence_is_named_by_task_and_target() -> None:
    assert evidence_name("mail", key_of(SMALL)) == "mail|small=smol-135"


def test_targets_that_come_later_do_not_slip_in() -> None:
    targets = {"small": SMALL}
    known = TaskPolicies(targets, CONFIG)
    targets["big"] = BIG
    assert set(known.targets) == {"small"}
