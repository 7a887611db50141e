"""A key that is renewed while the gateway runs."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from shortstop.config import UpstreamConfig, UpstreamModel
from shortstop.errors import ConfigError
from shortstop.serving.breaker import Breaker
from shortstop.serving.deployments import Chooser, Deployment
from shortstop.serving.health import TargetHealth
from shortstop.serving.key_file import LARGEST, KeyFile
from shortstop.serving.outward import egress_for, lister_for
from shortstop.serving.patience import Patience
from shortstop.serving.trip import Road
from shortstop.serving.upstreams import RemoteUpstream, dialect_of, vendor_of
from shortstop.types import Clearance, Cleared, Message, Reach, Request, Text, Tier
from tests.conftest import FakeClock
from tests.server.scripted import ScriptedModel

SETTINGS = UpstreamConfig(base_url="https://h", models={"far": UpstreamModel()})
DIALECT = dialect_of(SETTINGS, name="acme")
VENDOR = vendor_of(DIALECT)


def renew(file: Path, key: str) -> None:
    """As careful programs do: written beside it, then renamed."""
    new = file.with_suffix(".new")
    new.write_text(key)
    os.replace(new, file)


def shown(file: KeyFile) -> str:
    return file.headers()["authorization"]


def test_it_is_read_again_when_it_is_another_one(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("first\n")
    key = KeyFile(str(path), VENDOR)
    assert shown(key) == "Bearer first"
    renew(path, "second")
    assert shown(key) == "Bearer second"


@pytest.mark.parametrize("text", ["", " \n", "two words", "a\nb", "\N{EURO SIGN}", '"quoted"'])
def test_what_no_key_can_be_leaves_the_old_one_and_is_said_once(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "token"
    path.write_text("first")
    key = KeyFile(str(path), VENDOR)
    renew(path, text)
    assert [shown(key), shown(key)] == ["Bearer first"] * 2
    assert caplog.text.count("The old key is used on.") == 1
    assert not text.strip() or text not in caplog.text
    path.unlink()
    assert shown(key) == "Bearer first"
    assert "cannot read" in caplog.text
    renew(path, "third")
    assert shown(key) == "Bearer third"


def test_without_a_key_to_begin_with_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"`api_key_file`: cannot read .*gone"):
        KeyFile(str(tmp_path / "gone"), VENDOR)
    (tmp_path / "empty").touch()
    with pytest.raises(ConfigError, match="is empty"):
        KeyFile(str(tmp_path / "empty"), VENDOR)
    (tmp_path / "large").write_bytes(b" " * LARGEST + b"key")
    with pytest.raises(ConfigError, match="is empty"):
        KeyFile(str(tmp_path / "large"), VENDOR)


async def test_the_next_request_shows_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("first")
    async with ScriptedModel("far").running() as model:
        settings = UpstreamConfig(
            base_url=model.url, models=SETTINGS.models, api_key_file=str(path)
        )
        egress = egress_for(settings, VENDOR, {}, name="acme")
        far = RemoteUpstream(
            model="far",
            dialect=DIALECT,
            egresses={"": egress},
            road=Road(
                Chooser([Deployment("", Breaker(50, 15, FakeClock()))], FakeClock()),
                Patience(0, 0.001, 1),
                TargetHealth("far", FakeClock()),
                random.Random(1),
            ),
        )
        far.key = KeyFile(str(path), VENDOR)
        said = (Message("user", (Text("!say x"),)),)
        asked = Cleared(
            Request("r", "openai.chat", {}, "auto", said),
            Clearance(Tier.S0, Reach.ANYWHERE),
            "far",
        )
        await far.answer(asked)
        renew(path, "second")
        await far.answer(asked)
        await egress.close()
        lister = lister_for(settings, VENDOR, {}, name="acme")
    heads = [raw.split(b"\r\n\r\n")[0] for raw in model.received]
    assert [b"Bearer first" in heads[0], b"Bearer second" in heads[1]] == [True, True]
    assert "Bearer second" in lister._client._head
