"""The log: an event is one line, in text and in JSON, and no line holds what was asked."""

from __future__ import annotations

import json
import logging

import pytest
from msgspec.structs import replace

from shortstop.app.logs import FORMATTERS, log_request
from shortstop.types import Choice, Text
from tests.traces.example import remote, trace

FORGED = "mail\n2026-11-27 ERROR shortstop all is lost \x1b[31m"


def line(record: logging.LogRecord, form: str) -> str:
    return FORMATTERS[form].format(record)


@pytest.fixture
def record(caplog: pytest.LogCaptureFixture) -> logging.LogRecord:
    secret = "the words of a client"
    decision = remote("r").decision
    assert decision is not None
    with caplog.at_level(logging.INFO):
        log_request(
            remote(
                "r 1",
                tenant=FORGED,
                decision=replace(decision, task="mail"),
                request={"messages": [{"role": "user", "content": secret}]},
                response=(Choice(parts=(Text(secret),)),),
            )
        )
    (found,) = caplog.records
    return found


def test_a_request_is_one_line_of_words(record: logging.LogRecord) -> None:
    text = line(record, "text")
    assert " INFO shortstop.requests answered " in text
    assert ' request="r 1" ' in text
    assert " task=mail target=big outcome=ok status=200 tier=S0 usd=0.0005 seconds=" in text
    assert "\n" not in text
    assert "\x1b" not in text


def test_a_request_is_one_object(record: logging.LogRecord) -> None:
    event = json.loads(line(record, "json"))
    assert (event["message"], event["level"], event["task"]) == ("answered", "info", "mail")
    assert event["tenant"] == FORGED
    assert event["usd"] == 0.0005
    assert "\n" not in line(record, "json")
    assert event["at"].endswith("+00:00")


@pytest.mark.parametrize("form", FORMATTERS)
def test_content_is_in_no_line(record: logging.LogRecord, form: str) -> None:
    assert "words of a client" not in line(record, form)


def test_what_has_no_price_has_no_figure(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        log_request(trace(bill=None, key=None))
    (found,) = caplog.records
    assert " usd=- " in line(found, "text")
    assert json.loads(line(found, "json"))["usd"] is None


def test_an_exception_is_told_in_one_object() -> None:
    try:
        raise ValueError("no")
    except ValueError as error:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "it %s", ("broke",), (
            ValueError, error, error.__traceback__))  # fmt: skip
    event = json.loads(line(record, "json"))
    assert event["message"] == "it broke"
    assert "ValueError: no" in event["exception"]
