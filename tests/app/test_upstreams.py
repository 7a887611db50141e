"""What a configuration says of vendors, as targets and as ways out."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from shortstop.app.clock import CLOCK
from shortstop.app.configuration import read_config
from shortstop.app.upstreams import (
    build_remotes,
    remote_target,
    with_agreement,
    with_remote,
)
from shortstop.config import (
    Config,
    DeploymentConfig,
    ServerConfig,
    UpstreamConfig,
    UpstreamModel,
    with_model,
)
from shortstop.dialects import upstream_dialects
from shortstop.errors import ConfigError
from shortstop.serving.deployments import KeyStandings
from shortstop.serving.upstreams import vendor_of
from tests.app.parts import SMALL, VENDOR, Home
from tests.certificates import Authority

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
    first, second = remotes.egresses.values()
    used = {name: upstream._egresses for name, upstream in remotes.upstreams.items()}
    assert used == {"big": first, "bigger": first, "small": second}
    assert list(first) == list(second) == [""], "one way without a label"


async def test_one_model_that_fails_does_not_close_the_others_way() -> None:
    remotes = build_remotes(configured(acme=with_changes(breaker_failures=1)), ENV)
    remotes.upstreams["big"].deployments[0].breaker.failed()
    assert remotes.upstreams["big"].open_for > 0
    assert remotes.upstreams["bigger"].open_for == 0


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
    assert (remotes.egresses, remotes.upstreams, remotes.targets) == ({}, {}, {})


# ------------------------------------------------------------ the way there


async def test_rules_see_the_vendor_and_never_the_proxy(caplog: pytest.LogCaptureFixture) -> None:
    """Who may receive what goes by the upstream: a proxy on this machine makes nobody local."""
    plain = with_changes(base_url="http://api.acme.example", region="eu")
    through = msgspec.structs.replace(plain, proxy="http://127.0.0.1:3128")
    direct, proxied = (build_remotes(configured(acme=one), ENV) for one in (plain, through))
    assert direct.targets == proxied.targets
    assert not proxied.targets["big"].local
    assert proxied.egresses["acme"][""]._client.base_url == "http://api.acme.example/v1"
    assert caplog.text.count("sends its key without HTTPS") == 2


async def test_headers_that_the_dialect_sends_are_not_passed_on() -> None:
    anthropic = with_changes(dialect="anthropic", forward_headers=("Anthropic-Beta",))
    with pytest.raises(ConfigError, match="'Anthropic-Beta' is sent by its dialect already"):
        build_remotes(configured(acme=anthropic), ENV)
    several = configured(
        acme=with_changes(forward_headers=("Traceparent",)),
        other=with_changes(models={"small": UpstreamModel()}, forward_headers=("x-team",)),
    )
    remotes = build_remotes(several, ENV)
    assert remotes.forwards == {b"traceparent", b"x-team"}
    told = {name: upstream.forwards for name, upstream in remotes.upstreams.items()}
    assert told["small"] == {"x-team"}, "each its own"
    assert told["big"] == told["bigger"] == {"traceparent"}


async def test_each_model_has_its_own_address_where_the_upstream_says_so() -> None:
    url = "https://acme.example/deployments/{model}"
    remotes = build_remotes(configured(acme=with_changes(base_url=url)), ENV)
    places = {name: upstream.places[""] for name, upstream in remotes.upstreams.items()}
    assert places == {"big": "/big", "bigger": "/acme-9"}
    assert remotes.egresses["acme"][""]._client.base_url == "https://acme.example/deployments"


async def test_what_has_expired_is_said_at_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ca = Authority(tmp_path, days=-2)
    build_remotes(configured(acme=with_changes(ca_file=str(ca.file))), ENV)
    assert "upstreams.acme.ca_file" in caplog.text
    assert "has expired on" in caplog.text


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


# ------------------------------------------------------------ several keys

TWO = with_changes(
    deployments={
        "eu": DeploymentConfig(weight=2, tokens_per_minute=1000),
        "us": DeploymentConfig("US_KEY", "https://us.acme.example"),
    }
)
KEYS = {**ENV, "US_KEY": "sk-us"}


async def test_each_deployment_has_its_label_and_a_way_of_its_own() -> None:
    remotes = build_remotes(configured(acme=TWO), KEYS)
    assert list(remotes.egresses["acme"]) == ["acme/eu", "acme/us"]
    first, second = remotes.upstreams["big"].deployments
    assert (first.label, first.weight, first.rate) == ("acme/eu", 2, 1000)
    assert (second.label, second.weight, second.rate) == ("acme/us", 1, None)
    with pytest.raises(ConfigError, match="US_KEY is not set"):
        build_remotes(configured(acme=TWO), ENV)


async def test_workers_share_a_rate() -> None:
    config = msgspec.structs.replace(configured(acme=TWO), server=ServerConfig(workers=4))
    (first, _) = build_remotes(config, KEYS).upstreams["big"].deployments
    assert first.rate == 250


async def test_what_rests_does_so_after_a_reload_model_by_model() -> None:
    standings = KeyStandings()
    old = build_remotes(configured(acme=TWO), KEYS, standings)
    until = CLOCK.monotonic() + 60
    old.upstreams["big"].deployments[0].standing.until = until
    heavier = with_changes(
        deployments={"europe": DeploymentConfig(weight=9), "us": TWO.deployments["us"]}
    )
    new = build_remotes(configured(acme=heavier), KEYS, standings)
    assert [one.standing.until for one in new.upstreams["big"].deployments] == [until, 0.0]
    assert [one.standing.until for one in new.upstreams["bigger"].deployments] == [0.0, 0.0]


async def test_one_more_model_goes_by_the_same_ways() -> None:
    config = configured(acme=TWO)
    remotes = build_remotes(config, KEYS)
    more = with_model(config, "acme", "newest", UpstreamModel())
    opened = with_remote(remotes, more, "acme", "newest")
    assert "newest" not in remotes.upstreams
    assert opened.egresses is remotes.egresses
    labels = [one.label for one in opened.upstreams["newest"].deployments]
    assert labels == ["acme/eu", "acme/us"]
