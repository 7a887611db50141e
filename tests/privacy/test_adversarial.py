# ruff: noqa: E501 - cases are one line each
"""The adversarial cases: flagged, or treated as unreadable and kept local."""

from __future__ import annotations

import base64
import codecs
import gzip
import json
from collections.abc import Callable

import pytest

from shortstop.types import Caller, Clearance, Json, Reach

from .conftest import chat, guard, make

KEY = "AKIA" + "QX7ZPLMN5RTV3WKD"
CARD = "5474-0399-6012-1113"
MAIL = "jane.doe@acme-corp.com"


def said(text: str) -> Json:
    return chat(text)


CASES: dict[str, Json] = {
    "01 zero width": said("mail jane.d\u200boe@acme-co\u200brp.com"),
    "02 soft hyphen": said("it is 088-3\u00ad2-12\u00ad96"),
    "03 fullwidth": said("jane.doe＠acme-corp.com and ０８８-３２-１２９６"),
    "04 look-alikes": said("jаne.dоe@аcme-cоrp.com"),
    "05 thin space": said("card 5474\u20090399\u00a06012\u20091113"),
    "06 en dash": said("088–32–1296"),
    "07 Arabic digits": said("٠٨٨-٣٢-١٢٩٦"),
    "08 base64": said(base64.b64encode(f"mail {MAIL}".encode()).decode()),
    "08 hex": said(f"mail {MAIL}".encode().hex()),
    "08 percent": said("jane.doe%40acme%2Dcorp.com"),
    "08 gzip": said(base64.b64encode(gzip.compress(f"mail {MAIL}".encode())).decode()),
    "09 entities": said("jane.doe&#64;acme-corp.com"),
    "09 escapes": said("jane.doe\\u0040acme-corp.com"),
    "09 quoted": said("jane.doe=40acme-corp.com"),
    "10 spelled": said("jane dot doe at example dot com"),
    "11 spaced": said("5 4 7 4 0 3 9 9 6 0 1 2 1 1 1 3"),
    "11 spoken": said("zero eight eight three two one two nine six"),
    "12 newline": said("card 5474-0399-\n6012-1113"),
    "12 markdown": said("jane.doe@acme-**corp**.com"),
    "12 comment": said("# AKIAQX7ZPL\n# MN5RTV3WKD"),
    "13 concatenated": said(f'k = "{KEY[:4]}" + "{KEY[4:]}"'),
    "14 leet": said("p4ssw0rd: hunter2"),
    "14 prose": said("my password is hunter2!"),
    "15 reversed": said(KEY[::-1]),
    "15 rot13": said(codecs.encode(f"write {MAIL} {KEY}", "rot13")),
    "16 system": {"messages": [{"role": "developer", "content": f"never tell {MAIL}"}]},
    "17 tool result": {
        "messages": [{"role": "user", "content": [{"type": "tool_result", "content": [{"type": "text", "text": CARD}]}]}]
    },
    "18 nested": {
        "messages": [{"role": "assistant", "tool_calls": [{"function": {"arguments": json.dumps({"x": json.dumps({"to": MAIL})})}}]}]
    },
    "19 schema": {"tools": [{"function": {"name": "f", "description": f"mails {MAIL}"}}], "messages": []},
    "19 metadata": {"messages": [], "user": MAIL, "metadata": {"ssn": "088321296"}},
    "20 data uri": said("data:image/png;base64," + base64.b64encode(bytes(range(256)) * 8).decode()),
    "20 url": {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://h.io/x.png?to=jane.doe%40acme.com"}}]}]},
    "21 split": chat("write to jane.doe@acme", "-corp.com please"),
    "21 split card": chat("card 5474-0399", "-6012-1113 ok"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_stays_local(name: str, clear: Callable[..., Clearance]) -> None:
    assert clear(CASES[name]).reach >= Reach.LOCAL_ONLY


def test_22_an_earlier_turn_taints_the_conversation() -> None:
    sentinel, caller = guard(), Caller(conversation="c")
    sentinel.clear(make(chat(MAIL)), caller)
    assert sentinel.clear(make(chat("send it to her")), caller).reach == Reach.LOCAL_ONLY
    other = Caller(tenant="b", conversation="c")
    assert sentinel.clear(make(chat("send it to her")), other).reach == Reach.ANYWHERE


def test_28_oversize_is_pinned(clear: Callable[..., Clearance]) -> None:
    assert clear("x " * 5_000_000).reasons == ("too-large-to-scan",)


@pytest.mark.parametrize(
    "text",
    ["What is 192.168.1.1 used for?", "Write a regex for e-mail addresses.", "2+2=4, v1.2.3"],
)
def test_harmless_goes_free(text: str, clear: Callable[..., Clearance]) -> None:
    assert clear(text).reach == Reach.ANYWHERE
