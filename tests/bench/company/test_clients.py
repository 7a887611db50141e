"""What the company's programs send and read."""

from __future__ import annotations

from bench.company.clients import Outcome, People, anthropic_body, totals

from tests.bench.company.test_measure import ASK


def test_counters_are_summed_over_their_labels() -> None:
    text = (
        "# HELP shortstop_requests_total Requests.\n"
        'shortstop_requests_total{target="a"} 2.0\n'
        'shortstop_requests_total{target="b"} 3.0\n'
        'shortstop_seconds_bucket{le="1"} 9\n'
        "python_info 1.0\n"
        "shortstop_up 1\n"
    )
    assert totals(text) == {"shortstop_requests_total": 5.0, "shortstop_up": 1.0}


def test_a_body_in_anthropic_s_dialect() -> None:
    function = {"name": "f", "parameters": {"type": "object"}}
    body = {
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}],
        "max_tokens": 5,
        "tools": [{"type": "function", "function": function}],
    }
    assert anthropic_body(body) == {
        "system": "s",
        "messages": [{"role": "user", "content": "u"}],
        "max_tokens": 5,
        "tools": [{"name": "f", "description": "", "input_schema": {"type": "object"}}],
    }


class Heard:
    """Takes down what is said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, object]]] = []

    async def feedback(self, body: dict[str, object], key: str) -> bool:
        self.said.append((key, body))
        return True


def outcome(number: int, *, right: bool) -> Outcome:
    text = ASK.gold if right else "other"
    return Outcome(ASK, text, 0.1, 0.1, request=f"r{number}", target="claude")


async def test_reviewers_read_what_is_disputed_first_and_correct_what_is_wrong() -> None:
    heard, people = Heard(), People("user", "reviewer", 1)
    outcomes = [outcome(n, right=n != 7) for n in range(100)]
    await people.react(heard, outcomes, {"r7"}, lambda ask: "gold")  # type: ignore[arg-type]
    reviews = [body for key, body in heard.said if key == "reviewer"]
    assert len(reviews) == 3
    assert reviews[0] == {
        "request_id": "r7", "target": "claude", "score": 0.0, "correction": "gold",
    }  # fmt: skip
    assert people.disputes == 1
    assert people.thumbs == 2


async def test_failed_requests_get_no_feedback() -> None:
    heard, people = Heard(), People("user", "reviewer", 1)
    failed = [Outcome(ASK, "", 0.1, 0.1, error="503")] * 100
    await people.react(heard, failed, set(), lambda ask: None)  # type: ignore[arg-type]
    assert heard.said == []
