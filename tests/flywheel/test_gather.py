"""Traffic by task: what it costs, what can be learned from it, within bounds."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from shortstop.flywheel import gather as room
from shortstop.flywheel.gather import OTHERS, Corrections, TaskKey, TaskTraffic, gather, ranked
from shortstop.flywheel.verdicts import BothGrades
from shortstop.types import Bill, Decision, Grade, Trace
from tests.flywheel.test_examples import ROW, maker

KEY = TaskKey("acme", "mail")


def row(number: int, **more: object) -> Trace:
    return replace(ROW, id=f"r{number}", at=float(number), **more)


def bill(usd: str) -> Bill:
    cost = Decimal(usd)
    return Bill(cost, Decimal(0), cost, cost, "big")


def gathered(*rows: Trace, most: int = 100) -> dict[TaskKey, TaskTraffic]:
    return gather(rows, Corrections([]), maker(), most)


def test_rows_are_counted_by_tenant_and_task() -> None:
    other = row(3, tenant="umbrella")
    found = gathered(row(1, bill=bill("0.5")), row(2, bill=bill("0.25"), local=True), other)
    assert set(found) == {KEY, TaskKey("umbrella", "mail")}
    mail = found[KEY]
    assert (mail.requests, mail.remote, mail.spend) == (2, 1, Decimal("0.75"))
    assert (mail.first, mail.last, mail.answered_by["big"]) == (1.0, 2.0, 2)


def test_only_the_newest_examples_stay_in_memory_and_it_is_said() -> None:
    traffic = gathered(*(row(n) for n in range(10)), most=4)[KEY]
    assert [example.id for example in traffic.examples] == ["r6", "r7", "r8", "r9"]
    assert (traffic.seen, traffic.sampled) == (10, True)


def test_what_teaches_nothing_is_counted_by_why() -> None:
    traffic = gathered(row(1, target="stranger"), row(2, response=None), row(3))[KEY]
    assert dict(traffic.left_out) == {"teacher-not-allowed": 1, "no-content": 1}
    assert traffic.seen == 1


def test_a_correction_counts_for_the_unseen_answer_as_well() -> None:
    given = Grade("r1", "acme", "reviewer", "small", None, 9.0, correction="loan")
    shadow = replace(row(1), id="r1-shadow", outcome="shadow")
    found = gather([row(1, target="small"), shadow], Corrections([given]), maker(), 10)
    own, unseen = found[KEY].examples
    assert (own.answer, own.gold, own.told) == ("loan", True, None)
    assert (unseen.answer, unseen.gold, unseen.told) == ("loan", True, "card")


def test_another_tenants_correction_is_none() -> None:
    given = Grade("r1", "umbrella", "reviewer", "big", None, 9.0, correction="loan")
    (example,) = gather([row(1)], Corrections([given]), maker(), 10)[KEY].examples
    assert example.answer == "card"


def test_too_many_tasks_are_one(monkeypatch: object) -> None:
    limit = room.MOST_TASKS
    try:
        room.MOST_TASKS = 2
        rows = [row(n, decision=Decision(("big",), f"t{n}", 0, 0, 1, "r")) for n in range(5)]
        assert {key.task for key in gathered(*rows)} == {"t0", "t1", OTHERS}
    finally:
        room.MOST_TASKS = limit


def test_the_costliest_task_comes_first() -> None:
    dear = row(1, bill=bill("2"), decision=Decision(("big",), "dear", 0, 0, 1, "r"))
    found = gathered(row(2, bill=bill("1")), row(3), dear)
    assert [one.key.task for one in ranked(found.values())] == ["dear", "mail"]


def test_what_a_reviewer_found_right_is_known() -> None:
    good = Grade("r1", "acme", "reviewer", "big", 1.0, 9.0)
    (example,) = gather([row(1)], Corrections([good]), maker(), 10)[KEY].examples
    assert (example.gold, example.told, example.answer) == (True, "card", "card")
    user = replace(good, source="user")
    (example,) = gather([row(1)], Corrections([user]), maker(), 10)[KEY].examples
    assert not example.gold


def test_a_hundred_thousand_rows_of_one_template_stay_within_bounds() -> None:
    rows = (row(n) for n in range(100_000))
    traffic = gather(rows, Corrections([]), maker(), 2000)[KEY]
    assert (len(traffic.examples), traffic.seen, traffic.sampled) == (2000, 100_000, True)


def test_grades_of_programs_and_judges_are_kept_by_target() -> None:
    compared = Grade("r1", "acme", "comparison", "small", 0.5, 9.0, reference="big", grader="exact")
    judged = [
        Grade("r1", "acme", "judge", name, value, 9.0, reference=reference, grader="j")
        for name, value, reference in (("small", 0.9, "big"), ("big", 0.4, None))
    ]
    traffic = gather([row(1)], Corrections([compared, *judged]), maker(), 10)[KEY]
    assert traffic.graded == {"small": [0.5, 0.9], "big": [0.4]}
    assert traffic.judged == {"r1": {"small": BothGrades(0.4, 0.9)}}


def test_a_judge_s_calls_cost_and_teach_nothing() -> None:
    call = replace(row(2), id="r1-judge-1", outcome="shadow", request=None, response=None)
    traffic = gather([row(1), call], Corrections([]), maker(), 10)[KEY]
    assert (traffic.requests, traffic.seen, traffic.erased) == (1, 1, set())
    assert not traffic.left_out
