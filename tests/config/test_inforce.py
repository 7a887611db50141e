"""Settings in force as one digest."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shortstop.config import parse
from shortstop.config.inforce import fingerprint

BASE = """
data_dir = "{home}"
[upstreams.x]
base_url = "https://vendor.example"
headers = {{ x-api-key = "$NAME", authorization = "Bearer $NAME" }}
models.m = {{}}
[privacy.terms]
acme = ["{word}"]
[routing]
exploration = {rate}
"""


def of(home: str = "/a", secret: str = "s", word: str = "w", rate: float = 0.1) -> str:
    text = BASE.format(home=home, word=word, rate=rate)
    return fingerprint(parse(text, {"NAME": secret}, name="test.toml"))


def test_machines_with_the_same_settings_say_the_same() -> None:
    assert of() == of(home="/b") == of(word="falcon") == of(secret="t0p")
    assert len(of()) == 12


@given(st.floats(0.0, 0.5), st.floats(0.0, 0.5))
def test_another_setting_is_another_digest(one: float, other: float) -> None:
    assert (of(rate=one) == of(rate=other)) == (one == other)
