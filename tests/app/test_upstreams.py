"""What a configuration says of vendors, as targets and as ways out."""

from __future__ import annotations

import msgspec
import pytest

from shortstop.app.upstreams import build_remotes, read_config, remote_target, with_agreement
from shortstop.config import Config, UpstreamConfig, UpstreamModel
from shortstop.dialects import upstream_dialects
from shortstop.errors import ConfigError
from shortstop.serving.upstreams import vendor_of
from tests.app.parts import SMALL, VENDOR, Home

ACME = UpstreamConfig(
    base_url="https://api.acme.example",
    api_key_env="ACME_KEY",
    models={"big": UpstreamModel(), "bigger": UpstreamModel(model="acme-9")},
)
ENV = {"ACME_KEY": "sk-acme"}


def configured(**upstreams: UpstreamConfig) -> Config:
    return Config(upstreams=upstreams)


def with_changes(**changes: object) -> UpstreamConfig:
    return msgspec.structs.replace(ACME, **changes)


# ------------------------------------------------------------ targets


def test_a_target_is_what_the_operator_says_of_it() -> None:
    model = UpstreamModel(
        model="acme-9", context=9000, max_output=700, abilities=("vision",), price="gpt-6.1-sol"
    )
    target = remote_target("big", model, with_changes(region="eu"), "acme")
    assert (target.name, target.model, target.local) == ("big", "acme-9", False)
    assert (target.context, target.max_output) == (9000, 700)
    assert (target.price, target.region) == ("gpt-6.1-sol", "eu")
    assert target.provider == "acme", "privacy policies name the operator's upstream"
    assert remote_target("big", UpstreamModel(), ACME, "acme").model == "big"


@pytest.mark.parametrize("alias", upstream_dialects())
def test_abilities_are_the_dialects_and_the_operators_together(alias: str) -> None:
    of_dialect = vendor_of(upstream_dialects()[alias]).abilities
    model = UpstreamModel(abilities=("vision", "thinking"))
    target = remote_target("big", model, with_changes(dialect=alias), "acme")
    assert target.abilities == {"vision", "thinking"} | of_dialect


def test_what_the_dialect_gives_does_not_hang_on_the_upstreams_name() -> None:
    """An upstream that is called "openai" may be asked in another dialect."""
    model = UpstreamModel(abilities=())
    assert "n" in remote_target("big", model, ACME, "whatever").abilities
    responses = with_changes(dialect="responses")
    assert "n" not in remote_target("big", model, responses, "openai").abilities


# ------------------------------------------------------------ ways out


async def test_models_of_one_upstream_share_its_connections() -> None:
    other = with_changes(models={"small": UpstreamModel()})
    remotes = build_remotes(configured(acme=ACME, other=other), ENV)
    assert list(remotes.targets) == list(remotes.upstreams) == ["big", "bigger", "small"]
    first, second = remotes.egresses
    used = {name: upstream._egress for name, upstream in remotes.upstreams.items()}
    assert used == {"big": first, "bigger": first, "small": second}


async def test_one_model_that_fails_does_not_close_the_others_way() -> None:
    remotes = build_remotes(configured(acme=with_changes(breaker_failures=1)), ENV)
    remotes.upstreams["big"].breaker.failed()
    assert not remotes.upstreams["big"].breaker.allow()
    assert remotes.upstreams["bigger"].breaker.allow()


@pytest.mark.parametrize("env", [{}, {"ACME_KEY": ""}, {"ACME_KEY": " \n"}])
async def test_a_missing_key_names_its_variable(env: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as raised:
        build_remotes(configured(acme=ACME), env)
    assert "'acme'" in raised.value.message
    assert "ACME_KEY is not set" in raised.value.message
    assert "export ACME_KEY=" in raised.value.hint
    assert "[upstreams.acme]" in raised.value.hint


async def test_an_upstream_may_need_no_key() -> None:
    remotes = build_remotes(configured(acme=with_changes(api_key_env=None)), {})
    assert list(remotes.targets) == ["big", "bigger"]


async def test_no_upstream_is_no_remote() -> None:
    remotes = build_remotes(Config(), {})
    assert (remotes.egresses, remotes.upstreams, remotes.targets) == ([], {}, {})


# ------------------------------------------------------------ the file


def test_the_file_is_read_with_its_upstreams(home: Home) -> None:
    assert list(read_config(home.source).upstreams["vendor"].models) == ["big"]


def test_an_unknown_dialect_is_refused_and_the_known_ones_named(home: Home) -> None:
    home.configure(SMALL + VENDOR.replace("api_key_env", 'dialect = "klingon"\napi_key_env'))
    with pytest.raises(ConfigError, match=r"\[upstreams\.vendor\].*'klingon'") as raised:
        read_config(home.source)
    assert all(alias in raised.value.hint for alias in upstream_dialects())


def test_who_signed_an_agreement() -> None:
    config = configured(acme=with_changes(baa=True), other=ACME)
    assert with_agreement(config) == {"acme"}
    assert with_agreement(Config()) == frozenset()
