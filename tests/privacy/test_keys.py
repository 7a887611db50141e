"""Keys come from the operator, or die with the process; a log that proves something needs his."""

from __future__ import annotations

import pytest

from shortstop.config import PrivacyConfig
from shortstop.errors import ConfigError
from shortstop.privacy.keys import audit_key, privacy_key

CONFIG = PrivacyConfig(key_env="MY_KEY")


def test_the_same_secret_is_the_same_key_in_every_process() -> None:
    key = privacy_key(CONFIG, {"MY_KEY": "a long text"})
    assert key == privacy_key(CONFIG, {"MY_KEY": "a long text"})
    assert key == audit_key(CONFIG, {"MY_KEY": "a long text"})
    assert (len(key), key != b"a long text") == (32, True)
    assert key != privacy_key(CONFIG, {"MY_KEY": "another"})


@pytest.mark.parametrize("env", [{}, {"MY_KEY": ""}, {"OTHER": "a long text"}])
def test_without_one_it_is_random_and_proves_nothing(env: dict[str, str]) -> None:
    assert privacy_key(CONFIG, env) != privacy_key(CONFIG, env)
    with pytest.raises(ConfigError, match=r"\$MY_KEY"):
        audit_key(CONFIG, env)
