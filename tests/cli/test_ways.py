"""`shortstop config check`: how upstreams are reached, who may come in, the documents' recipes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from shortstop.cli.config import explain
from shortstop.cli.reach import trust_in, url_of
from shortstop.config import ServerConfig, TlsConfig, parse
from tests.certificates import Authority
from tests.cli.conftest import Shortstop

PAGE = Path(__file__).parents[2] / "docs" / "connecting.md"
RECIPES = re.findall(r"^```toml\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
UPSTREAM = '[upstreams.x]\nbase_url = "https://h"\nmodels.m = {}\n'


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda text: text.split("\n")[0])
def test_every_recipe_of_the_page_is_a_configuration(
    shortstop: Shortstop, home: Path, recipe: str
) -> None:
    ca = Authority(home)
    shutil.copy(ca.file, home / "corp-ca.pem")
    ca.sign(called="shortstop")
    (home / "vertex.token").write_text("ya29.token")
    if "[upstreams.anthropic]" in recipe and "base_url" not in recipe:
        recipe += 'base_url = "https://api.anthropic.com"\ndialect = "anthropic"\nmodels = "*"\n'
    (home / "shortstop.toml").write_text(recipe)
    result = shortstop("config", "check")
    assert (result.code, result.err) == (0, ""), recipe
    warned = [line for line in result.out.splitlines() if "Warning" in line]
    assert all("is ever chosen for `auto`" in line for line in warned), (
        "a frontier is not its point"
    )
    if "azure" in recipe:
        assert recipe.count("[upstreams.") == 6
        assert "Key from AWS_BEARER_TOKEN_BEDROCK" in result.out
        assert "vertex.token: there, and read again whenever it changes." in result.out
        assert "Header api-key: UNUSABLE. AZURE_OPENAI_API_KEY is not set." in result.out


def lines(more: str, env: dict[str, str]) -> str:
    return "\n".join(explain(parse(UPSTREAM + more, {}), env))


def test_the_proxy_is_named_with_who_named_it_and_no_password() -> None:
    env = {"https_proxy": "http://anna:hunter2@proxy:3128"}
    told = lines("", env)
    assert "Through the proxy http://proxy:3128, with credentials (named by https_proxy)." in told
    assert "hunter2" not in told
    own = lines('proxy = "http://own:1"', env)
    assert "Through the proxy http://own:1, without credentials (named by upstreams.x.proxy)" in own
    assert "proxy" not in lines('proxy = "off"', env)
    assert "Proxy: UNUSABLE. The environment variable HTTPS_PROXY names a proxy" in lines(
        "", {"HTTPS_PROXY": "socks5://p:1"}
    )


def test_what_is_added_and_passed_on_is_said() -> None:
    told = lines('socket = "/run/x.sock"\nforward_headers = ["traceparent"]', {})
    assert "By the Unix socket /run/x.sock." in told
    assert "Told of the client's headers: traceparent." in told
    assert "UNUSABLE" not in lines('headers = { x-key = "$A" }', {"A": "secret"})
    assert "UNUSABLE. `api_key_file`: cannot read /gone" in lines('api_key_file = "/gone"', {})


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (UPSTREAM + 'ca_file = "gone.pem"', r"`upstreams.x.ca_file`: cannot read"),
        (UPSTREAM + 'client_cert = "us.pem"\nclient_key = "other.key"', "is not that of"),
        ('[server.tls]\ncert = "gone.pem"', "`server.tls.cert`: cannot read"),
        ('[server.tls]\ncert = "us.pem"', "`server.tls.cert`:"),
    ],
)
def test_files_that_cannot_be_used_are_an_error(
    shortstop: Shortstop, home: Path, more: str, told: str
) -> None:
    ca = Authority(home)
    ca.sign(called="us")
    ca.sign(called="other")
    (home / "shortstop.toml").write_text(more)
    result = shortstop("config", "check")
    assert result.code == 2
    assert told in " ".join(result.err.split())


def test_the_door_is_described(shortstop: Shortstop, home: Path) -> None:
    Authority(home).sign("gateway.example", called="door", days=-1)
    (home / "shortstop.toml").write_text(
        '[server]\nallowed_clients = ["10.0.0.0/8"]\ntrusted_proxies = ["10.0.0.1"]\n'
        '[server.tls]\ncert = "door.pem"\nkey = "door.key"\n'
    )
    out = " ".join(shortstop("config", "check").out.split())
    assert "Listens on https://127.0.0.1:8484/v1." in out
    assert "door.pem: EXPIRED on" in out
    assert "Clients that may use it beside this machine: 10.0.0.0/8." in out
    assert "X-Forwarded-For is believed of: 10.0.0.1." in out


def test_single_sign_on_is_described_with_what_is_to_be_registered(
    shortstop: Shortstop, home: Path
) -> None:
    (home / "shortstop.toml").write_text(
        '[sso]\nissuer = "https://id.example"\nclient_id = "gw"\nurl = "https://gw.example"\n'
        'client_secret_env = "NOT_THERE"\n[sso.groups]\nops = { role = "admin" }\n'
    )
    out = " ".join(shortstop("config", "check").out.split())
    assert "Single sign-on at https://id.example as 'gw': ops (admin)." in out
    assert "Its secret: UNUSABLE. The secret of [sso] is missing: NOT_THERE is not set." in out
    assert "Register there: https://gw.example/console/sso/callback" in out


def test_a_command_of_this_machine_reaches_a_door_with_tls() -> None:
    secure = ServerConfig(host="0.0.0.0", tls=TlsConfig(cert="door.pem"))
    assert url_of(secure) == "https://127.0.0.1:8484"
    here, elsewhere = trust_in("https://127.0.0.1:8484"), trust_in("https://10.0.0.7:8484")
    assert here is not None
    assert not here.check_hostname
    assert elsewhere is None, "whom the system trusts"
    assert trust_in("http://127.0.0.1:8484") is None
