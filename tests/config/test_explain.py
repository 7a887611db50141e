"""Errors that help: they name the file, the line, the key and the key that was meant."""

from __future__ import annotations

import pytest

from shortstop.config import parse
from shortstop.config.explain import place_of
from shortstop.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[server]\nport = "x"', "line 2, `server.port`: expected a whole number, got a text"),
        ("[server]\nport = 70000", "line 2, `server.port`"),
        ("[server]\nprot = 1", "line 2, `server.prot`: unknown key. Did you mean `port`?"),
        ("[servr]\nport = 1", "line 1, `servr`: unknown key. Did you mean `server`?"),
        ("[server]\nregion = 1", "line 2, `server.region`: unknown key. It belongs to another"),
        ("[server]\nxyzzy = 1", "line 2, `server.xyzzy`: unknown key."),
        ("[contract]\nconfidence = 1.5", "line 2, `contract.confidence`"),
        ("\n# a remark\n[server] # here\nport = -1", "line 4, `server.port`"),
        (
            '[upstreams.x]\nbase_url = "https://h"\n[upstreams.x.models."m.1"]\ncontxt = 5',
            "line 4, `upstreams.x.models.m.1.contxt`: unknown key. Did you mean `context`?",
        ),
        ('[models.a]\nsource = "builtin"\nthreads = 0', "line 3, `models.a.threads`"),
        (
            '[privacy.policies.p]\nrules = [{ action = "forbid" }]',
            "`privacy.policies.p.rules",
        ),
        (
            '[traces]\ncontent = "half"',
            "line 2, `traces.content`: 'half' is none of 'digest',",
        ),
    ],
)
def test_errors_name_the_key_and_the_line(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, {})
    assert says in str(caught.value)


def test_the_file_is_named_as_it_was_given() -> None:
    with pytest.raises(ConfigError, match=r"^/etc/shortstop\.toml, line 2, `server\.port`"):
        parse("[server]\nport = 'x'", {}, name="/etc/shortstop.toml")


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("server", "port"), "f, line 2, `server.port`"),
        (("server", "host"), "f, line 1, `server.host`"),
        (("models", "*", "slots"), "f, line 4, `models.a b.slots`"),
        (("judge", "rate"), "f, `judge.rate`"),
    ],
)
def test_a_place_is_the_nearest_line_that_is_there(path: tuple[str, ...], place: str) -> None:
    text = '[server]\nport = 1\n[models."a b"]\nslots = 0\n'
    assert place_of(path, text, "f") == place
