"""The same program has the same task, on every machine and after a restart; another has another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.routing.task import (
    MAX_NAME_CHARS,
    MAX_TEMPLATE_CHARS,
    OPEN,
    system_prompt,
    task_of,
    template,
)
from shortstop.types import Caller, Format, Message, Request, Role, Text, Tool
from tests.routing.test_constraints import ask

ANYONE = Caller()


def program(system: str, user: str = "hello", role: Role = "system", **more: object) -> Request:
    turns = (Message(role, (Text(system),)), Message("user", (Text(user),)))
    return ask(messages=turns, **more)


def test_free_chat_has_no_task() -> None:
    assert task_of(ask("what is the weather"), ANYONE) == OPEN


@given(st.text(max_size=40), st.text(max_size=40))
def test_what_the_user_says_is_not_part_of_it(one: str, other: str) -> None:
    system = "You sort mail into seven folders."
    assert template(program(system, one)) == template(program(system, other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Today is 3 May 2025. Sort.", "Today is 17 May 2026. Sort."),
        ('You help "Ada". Sort.', 'You help "Grace Hopper". Sort.'),
        ("Sort  the\nmail.", "sort the mail."),
        (
            "Session 0f8fad5b-d9cb-469f-a165-70867728950e. Sort.",
            "Session 7c9e6679-7425-40de-944b-e07fc1f90ae7. Sort.",
        ),
    ],
)
def test_what_varies_from_day_to_day_is_left_out(one: str, other: str) -> None:
    assert template(program(one)) == template(program(other))


def test_another_instruction_is_another_task() -> None:
    tasks = {template(program(text)) for text in ("Sort mail.", "Sort parcels.", "Translate.")}
    assert len(tasks) == 3
    assert all(task.startswith("t-") for task in tasks)


def test_a_task_is_known_again_by_the_next_release() -> None:
    """Everything that was learned hangs on this name."""
    assert template(program("You sort mail.")) == "t-3a7e1ac376"


def test_instructions_of_developers_count_like_those_of_the_system() -> None:
    assert template(program("Sort.", role="developer")) == template(program("Sort."))
    assert system_prompt(program("Sort.", role="developer")) == "Sort."
    assert system_prompt(ask("Sort.")) == ""


def test_tools_and_promised_shape_make_a_task_without_any_instruction() -> None:
    tooled = ask(tools=(Tool("find"), Tool("book")))
    swapped = ask(tools=(Tool("book"), Tool("find", "Finds.")))
    shaped = ask(format=Format("json_schema", {"type": "object"}))
    reshaped = ask(format=Format("json_schema", {"type": "array"}))
    assert template(tooled) == template(swapped), "order and description do not count"
    assert len({template(r) for r in (tooled, shaped, reshaped, ask(tools=(Tool("find"),)))}) == 4


def test_a_schema_is_the_same_whatever_the_order_of_its_keys() -> None:
    one = Format("json_schema", {"type": "object", "title": "x"})
    other = Format("json_schema", {"title": "x", "type": "object"})
    assert template(ask(format=one)) == template(ask(format=other))


def test_of_a_long_instruction_the_beginning_counts() -> None:
    long = "x" * MAX_TEMPLATE_CHARS
    assert template(program(long + "a")) == template(program(long + "b"))
    assert template(program(long[:-1] + "a")) != template(program(long[:-1] + "b"))


def test_the_caller_s_own_name_goes_first() -> None:
    caller = Caller(task="mail")
    assert task_of(program("You translate."), caller) == "mail"


@given(st.text(max_size=200))
def test_a_caller_s_name_is_made_harmless(name: str) -> None:
    task = task_of(ask(), Caller(task=name))
    assert len(task) <= MAX_NAME_CHARS
    assert "|" not in task, "it separates task and target in the name of the evidence"
    assert not set(task) & set(" \n\t,;=")
