"""What the console is told: masked where it must be, written down wherever there is a log."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from shortstop.accounts import Key
from shortstop.accounts.purse import Balance
from shortstop.app.desk import GatewayDesk
from shortstop.config import Config, ConfigSource, TracesConfig, parse
from shortstop.errors import StoreError
from shortstop.privacy.audit import AuditLog, records
from shortstop.stores import Paths
from shortstop.traces.document import answer, encode
from shortstop.traces.keyfile import content_seal
from shortstop.types import Choice, Clearance, Json, Reach, Text, Tier, Trace
from shortstop.types.console import PromiseLine

TRACE = Trace(
    "t", 1.0, "acme", "openai.chat", "auto", "ok", 200, False, 0.1,
    Clearance(Tier.S0, Reach.ANYWHERE),
)  # fmt: skip
ASKED: Json = {"messages": [{"content": "Ann said"}]}
ANSWERED = (Choice(parts=(Text("Ann it was"),)),)
DOCUMENT = encode(TRACE, ASKED, answer(ANSWERED))


def key(name: str, tenant: str = "acme", **more: Any) -> Key:
    return Key(id=f"key_{name}", name=name, tenant=tenant, created=0, tail="abcd", **more)


def desk(tmp_path: Path, keys: tuple[Key, ...] = (), redacted: Any = None, **more: Any) -> Any:
    log = AuditLog(tmp_path / "changes.log", b"k" * 32)
    accounts = SimpleNamespace(
        keys=SimpleNamespace(all=lambda: list(keys)),
        balance=lambda one: Balance(Decimal(1), Decimal("0.5"), "2026-11"),
    )
    more.setdefault("seal", None)
    more.setdefault("lake", None)
    resources = SimpleNamespace(
        figures=None,
        reports=None,
        audits=SimpleNamespace(changes=lambda: log),
        accounts=accounts,
        **{"paths": Paths(tmp_path, tmp_path / "traces.db")} | more,
    )
    runtime = SimpleNamespace(
        config=Config(),
        redacted=redacted or (lambda body, tenant: body),
        learned=SimpleNamespace(promises=lambda: [promise("acme"), promise("other"), promise("")]),
    )
    source = ConfigSource(tmp_path / "none.toml", {}, {"port": 1})
    return GatewayDesk(resources, lambda: runtime, source)  # type: ignore[arg-type]


def promise(tenant: str) -> PromiseLine:
    return PromiseLine("t", tenant, "small", "open", 1, 0, 0.02, 0, 1, 20, None, 0)


def test_content_is_opened_only_when_it_is_asked_for(tmp_path: Path) -> None:
    one = desk(tmp_path)
    closed = one.trace(DOCUMENT, opened=False, masked=False)
    assert (closed.request, closed.response) == (None, None)
    opened = one.trace(DOCUMENT, opened=True, masked=False)
    assert (opened.request, opened.response) == (ASKED, ANSWERED)


def test_content_of_another_key_is_not_shown_and_breaks_nothing(tmp_path: Path) -> None:
    """As everywhere else: the row is there, without what was said."""
    theirs, ours = (
        content_seal(TracesConfig(), {}, tmp_path / f"{name}.key") for name in ("theirs", "ours")
    )
    sealed = encode(
        TRACE,
        theirs.close(ASKED, "t request"),
        theirs.close(msgspec.to_builtins(answer(ANSWERED)), "t response"),
    )
    one = desk(tmp_path, seal=ours).trace(sealed, opened=True, masked=True)
    assert (one.id, one.request, one.response) == ("t", None, None)
    own = desk(tmp_path, seal=theirs).trace(sealed, opened=True, masked=False)
    assert own.request == ASKED
    with pytest.raises(StoreError, match="damaged"):
        desk(tmp_path).trace(b'{"id":', opened=False, masked=False)


def test_masked_content_is_what_privacy_leaves_of_it(tmp_path: Path) -> None:
    def redacted(body: Json, tenant: str) -> Json:
        assert tenant == "acme"
        text = str(body).replace("Ann", "[NAME]")
        kept: Json = eval(text)
        return kept

    masked = desk(tmp_path, redacted=redacted).trace(DOCUMENT, opened=True, masked=True)
    assert masked.request == {"messages": [{"content": "[NAME] said"}]}
    assert masked.response[0].text == "[NAME] it was"


@pytest.mark.parametrize("error", [ValueError("left"), TimeoutError(), RuntimeError("detector")])
def test_what_cannot_be_masked_is_not_shown(tmp_path: Path, error: Exception) -> None:
    def broken(body: Json, tenant: str) -> Json:
        raise error

    masked = desk(tmp_path, redacted=broken).trace(DOCUMENT, opened=True, masked=True)
    assert (masked.request, masked.response) == (None, None)


def test_budgets_and_keys_are_a_tenants_own(tmp_path: Path) -> None:
    keys = (
        key("old", revoked=1.0, budget_usd=Decimal(3)),
        key("bot", budget_usd=Decimal(3)),
        key("free"),
        key("theirs", "other", budget_usd=Decimal(3)),
    )
    one = desk(tmp_path, keys)
    (budget,) = one.budgets("acme")
    assert (budget.name, budget.part) == ("bot", 0.5)
    assert len(one.budgets(None)) == 2
    assert [(line.name, line.state) for line in one.keys("acme")] == [
        ("bot", "in use"), ("free", "in use"), ("old", "revoked"),
    ]  # fmt: skip


def test_promises_are_a_tenants_own_and_everybodys(tmp_path: Path) -> None:
    one = desk(tmp_path)
    assert [line.tenant for line in one.promises("acme")] == ["acme", ""]
    assert len(one.promises(None)) == 3


def test_what_was_done_is_in_a_chained_log(tmp_path: Path) -> None:
    one = desk(tmp_path)
    one.note("me", "acme", "revoke key key_x")
    (kept,) = records(tmp_path / "changes.log")
    assert (kept.event.kind, kept.event.tenant, kept.event.detail) == (
        "console", "acme", "me: revoke key key_x",
    )  # fmt: skip
    assert one.verify() == "changes.log: 1 records, intact."


def test_settings_say_where_they_are_from(tmp_path: Path) -> None:
    (tmp_path / "none.toml").write_text('[server]\nauth = "off"\n[privacy.terms]\nacme = ["x"]\n')
    _, lines = desk(tmp_path).settings()
    sources = {line.key: line.source for line in lines}
    assert sources["server.port"] == "command line"
    assert sources["server.auth"] == "file"
    assert sources["server.host"] == "default"


def test_routes_are_those_of_the_tenant_then_of_all_then_declared(tmp_path: Path) -> None:
    one = desk(tmp_path)
    one._runtime().config = parse(
        '[tasks.faq]\nroute = "local"\n[tasks.mail]\nroute = "frontier"\n[tasks.open]\n'
        '[[routing.overrides]]\ntask = "faq"\nroute = "frontier"\ntenant = "acme"\n'
        '[[routing.overrides]]\ntask = "mail"\nroute = "auto"\n',
        {"OPENAI_API_KEY": "x"},
    )
    assert one.routes(None) == {"faq": "local", "mail": "auto"}
    assert one.routes("acme") == {"faq": "frontier", "mail": "auto"}
    assert one.override("new", "acme", "local") == "configured"
    _, lines = one.settings()
    assert {line.source for line in lines if line.key == "routing.overrides"} == {"by hand"}
