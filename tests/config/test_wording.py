"""What a value should have been is said as a person would say it."""

from __future__ import annotations

import pytest

from shortstop.config import parse
from shortstop.config.section import Section
from shortstop.config.wording import in_words
from shortstop.errors import ConfigError

UPSTREAM = '[upstreams.a]\nbase_url = "https://h/v1"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[server]\nauth = "of"', "'of' is none of 'auto', 'off', 'required'."),
        (f"{UPSTREAM}teacher = 1", "expected true or false, got a whole number."),
        (
            '[log]\nrequests = "yes"',
            "expected true or false, got a text; write it without quotation marks.",
        ),
        ("[server]\nport = 1.5", "expected a whole number, got a number with a fraction."),
        ("[contract]\nconfidence = 2", "expected a number < 1.0."),
        ("[models.a]\nsource = true", "expected a text, got true or false."),
        ('[models]\nsmall = "builtin"', "expected a table, got a text."),
        ("[upstreams.a]\nteacher = true", "`upstreams.a`: `base_url` is missing."),
        ('[learning]\nnightly = "3"', 'expected "off" or a time of the day in UTC'),
        ('[privacy.policies.p]\nrules = [{ action = "no" }]', "'no' is none of 'allow', "),
    ],
)
def test_what_is_wrong_is_said_in_words(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, {})
    assert says in caught.value.message


@pytest.mark.parametrize("key", ["api_key_env", "proxy_password_env"])
def test_a_secret_in_place_of_its_variable_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(ConfigError, match="expected the name of an environment") as caught:
        parse(f'{UPSTREAM}{key} = "sk-not-a-name"', {})
    assert "sk-" not in caught.value.message


def test_what_is_not_known_is_said_as_it_came() -> None:
    assert in_words("Something else", Section, ()) == "something else"
