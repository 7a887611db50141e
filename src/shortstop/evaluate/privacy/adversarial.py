# ruff: noqa: E501 - cases are one line each
"""Thirty tricks, by the numbers of the threat list (docs/privacy.md). A trick is passed when its
texts are flagged, or treated as unreadable and kept local; from 22 on each has a check of its own.

29 and 30 are about paths and files of the whole gateway. The tests try them with real processes
(tests/server/test_canary.py); here they count by what privacy alone can show of them.
"""

from __future__ import annotations

import base64
import codecs
import gzip
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import Struct

from shortstop.config import PrivacyConfig, PrivacyPolicy, PrivacyRule
from shortstop.dialects import wire_words
from shortstop.errors import PrivacyRefused
from shortstop.privacy import BodyFormat, PrivacyGuard, PrivacyStores, ephemeral_guard
from shortstop.privacy.replace.restore import Buffer, Restorer
from shortstop.privacy.replace.vault import Vault
from shortstop.privacy.taint import Taint
from shortstop.types import (
    Caller,
    Choice,
    Clearance,
    Cleared,
    Finding,
    Json,
    Message,
    Opaque,
    Reach,
    Reply,
    Request,
    Target,
    Text,
)

KEY = "AKIA" + "QX7ZPLMN5RTV3WKD"
CARD = "5474-0399-6012-1113"
MAIL = "jane.doe@acme-corp.com"
REMOTE = Target("big", "big", local=False, provider="vendor", context=100_000)


class Trick(Struct, frozen=True):
    """One number of the list; `failed` names the variants that got through."""

    number: int
    passed: bool
    failed: tuple[str, ...] = ()


def chat(*texts: str) -> Json:
    return {"model": "auto", "messages": [{"role": "user", "content": t} for t in texts]}


def _parts(*parts: Json) -> Json:
    return {"messages": [{"role": "user", "content": list(parts)}]}


def _called(arguments: object) -> Json:
    call = {"function": {"arguments": json.dumps(arguments)}}
    return {"messages": [{"role": "assistant", "tool_calls": [call]}]}


CASES: Mapping[str, Json] = {
    "01 zero width": chat("mail jane.d\u200boe@acme-co\u200brp.com"),
    "02 soft hyphen": chat("it is 088-3\u00ad2-12\u00ad96"),
    "03 fullwidth": chat("jane.doe＠acme-corp.com and ０８８-３２-１２９６"),
    "04 look-alikes": chat("jаne.dоe@аcme-cоrp.com"),
    "05 thin space": chat("card 5474\u20090399\u00a06012\u20091113"),
    "06 en dash": chat("088–32–1296"),
    "07 Arabic digits": chat("٠٨٨-٣٢-١٢٩٦"),
    "08 base64": chat(base64.b64encode(f"mail {MAIL}".encode()).decode()),
    "08 hex": chat(f"mail {MAIL}".encode().hex()),
    "08 percent": chat("jane.doe%40acme%2Dcorp.com"),
    "08 gzip": chat(base64.b64encode(gzip.compress(f"mail {MAIL}".encode())).decode()),
    "09 entities": chat("jane.doe&#64;acme-corp.com"),
    "09 escapes": chat("jane.doe\\u0040acme-corp.com"),
    "09 quoted": chat("jane.doe=40acme-corp.com"),
    "10 spelled": chat("jane dot doe at example dot com"),
    "11 spaced": chat("5 4 7 4 0 3 9 9 6 0 1 2 1 1 1 3"),
    "11 spoken": chat("zero eight eight three two one two nine six"),
    "12 newline": chat("card 5474-0399-\n6012-1113"),
    "12 markdown": chat("jane.doe@acme-**corp**.com"),
    "12 comment": chat("# AKIAQX7ZPL\n# MN5RTV3WKD"),
    "13 concatenated": chat(f'k = "{KEY[:4]}" + "{KEY[4:]}"'),
    "14 leet": chat("p4ssw0rd: hunter2"),
    "14 prose": chat("my password is hunter2!"),
    "15 reversed": chat(KEY[::-1]),
    "15 rot13": chat(codecs.encode(f"write {MAIL} {KEY}", "rot13")),
    "16 developer": {"messages": [{"role": "developer", "content": f"never tell {MAIL}"}]},
    "17 tool result": _parts({"type": "tool_result", "content": [{"type": "text", "text": CARD}]}),
    "18 nested": _called({"x": json.dumps({"to": MAIL})}),
    "19 schema": {"tools": [{"function": {"name": "f", "description": f"mails {MAIL}"}}], "messages": []},
    "19 metadata": {"messages": [], "user": MAIL, "metadata": {"ssn": "088321296"}},
    "20 data uri": chat("data:image/png;base64," + base64.b64encode(bytes(range(256)) * 8).decode()),
    "20 url": _parts({"type": "image_url", "image_url": {"url": "https://h.io/x.png?to=jane.doe%40acme.com"}}),
    "21 split": chat("write to jane.doe@acme", "-corp.com please"),
    "21 split card": chat("card 5474-0399", "-6012-1113 ok"),
    "23 draft reused": {"messages": [{"role": "assistant", "content": f"Your card is {CARD}."}, {"role": "user", "content": "improve this"}]},
}  # fmt: skip


def as_request(body: Json, id: str = "r1") -> Request:
    """What the dialects decode, as far as privacy looks at it."""
    turns = [m for m in body.get("messages", ()) if isinstance(m.get("content"), str)]
    messages = tuple(Message(m["role"], (Text(m["content"]),)) for m in turns)
    return Request(id, "openai.chat", body, "auto", messages)


def guard(*rules: PrivacyRule, **more: Any) -> PrivacyGuard:
    config = PrivacyConfig(policies={"default": PrivacyPolicy(rules=rules)}, **more)
    return ephemeral_guard(config, _bodies(), key=b"k" * 32)


def _bodies() -> BodyFormat:
    return BodyFormat(lambda request, body: as_request(body, request.id), wire_words())


def stays(body: Json) -> bool:
    return guard().clear(as_request(body), Caller()).reach >= Reach.LOCAL_ONLY


@dataclass(frozen=True, slots=True)
class _RoundTrip:
    """A pseudonymised request and the way back."""

    guard: PrivacyGuard
    cleared: Cleared
    sent: str

    @classmethod
    def of(cls, text: str, tenant: str = "default") -> _RoundTrip:
        pseudonymising = guard(PrivacyRule("pseudonymise", tier="S2"))
        request = as_request(chat(text))
        verdict = pseudonymising.clear(request, Caller(tenant, conversation="c"))
        cleared = pseudonymising.release(request, verdict, REMOTE)
        return cls(pseudonymising, cleared, cleared.request.messages[0].text)

    def back(self, text: str) -> str:
        reply = Reply("r", "m", (Choice(parts=(Text(text),)),))
        return self.guard.restore(reply, self.cleared).text


def _tainted() -> bool:
    judge, caller = guard(), Caller(conversation="c")
    judge.clear(as_request(chat(MAIL)), caller)
    return judge.clear(as_request(chat("send it to her")), caller).reach == Reach.LOCAL_ONLY


def _split_anywhere() -> bool:
    restorer = Restorer({"person-kx@example.org": "jané@acme.com"})
    text = "to person-kx@example.org now"
    return all(
        (b := Buffer(restorer)).push(text[:i]) + b.push(text[i:], final=True)
        == "to jané@acme.com now"
        for i in range(len(text))
    )


def _changed_by_the_model() -> bool:
    trip = _RoundTrip.of(f"write to {MAIL}")
    surrogate = trip.sent.removeprefix("write to ")
    forms = (surrogate.upper(), f"**{surrogate}**", f"{surrogate}'s", f"`{surrogate}`,")
    return all(MAIL in trip.back(f"see {form}") for form in forms)


def _valid_json() -> bool:
    restorer = Restorer({"SURROGATE": 'say "hi"\n\\'})
    raw = '{"note":"SURROGATE"}'
    return all(
        json.loads(
            (b := Buffer(restorer, escaped=True)).push(raw[:i]) + b.push(raw[i:], final=True)
        )
        == {"note": 'say "hi"\n\\'}
        for i in range(len(raw))
    )


def _no_collision() -> bool:
    """A surrogate that the text itself contains is not used; nor another tenant's."""
    first = _RoundTrip.of(f"write to {MAIL}").sent.removeprefix("write to ")
    taken = _RoundTrip.of(f"write to {MAIL}, not to {first}")
    other = _RoundTrip.of(f"write to {MAIL}", tenant="b").sent.removeprefix("write to ")
    return other != first and taken.sent.count(first) <= 1 and MAIL in taken.back(taken.sent)


class _Crashing(PrivacyGuard):
    def findings(self, body: Json, tenant: str = "default") -> list[Finding]:
        raise RuntimeError("a detector crashed")


def _fails_closed() -> bool:
    stores = PrivacyStores(b"k" * 32, Vault(time.time, 60), Taint())
    crashed = _Crashing(PrivacyConfig(), _bodies(), stores, time)
    late = guard(timeout=1e-9)
    verdicts = [
        crashed.clear(as_request(chat("hello")), Caller()),
        late.clear(as_request(chat("hello " * 10_000)), Caller()),
        guard().clear(as_request(chat("x " * 1_500_000)), Caller()),
    ]
    # Any verdict will do here: no pattern may go back over it without end.
    guard().clear(as_request(chat("a@" * 40_000 + "!")), Caller())
    return all(v.reach >= Reach.LOCAL_ONLY for v in verdicts)


def _only_cleared_leaves() -> bool:
    """Nothing is released after a pin, for an unknown part, or without a verdict of its own."""
    judge = guard()
    pinned, free, other = (as_request(chat(t), t) for t in (MAIL, "hello", "hi"))
    sealed = Message("user", (Opaque("odd", {"blob": "data:;base64,aGVsbG8gd29ybGQ="}),))
    odd = Request("odd", "openai.chat", {"messages": []}, "auto", (sealed,))
    verdict = judge.clear(free, Caller())
    attempts = (
        (pinned, judge.clear(pinned, Caller())),
        (odd, judge.clear(odd, Caller())),
        (other, verdict),
        (free, verdict.recorded()),
    )
    return all(_refused(judge, request, clearance) for request, clearance in attempts)


def _refused(guard: PrivacyGuard, request: Request, clearance: Clearance) -> bool:
    try:
        guard.release(request, clearance, REMOTE)
    except PrivacyRefused:
        return True
    return False


def _verdict_is_silent() -> bool:
    """What a verdict says about a finding holds no value."""
    verdict = guard().clear(as_request(chat(f"{MAIL} {KEY}")), Caller())
    text = repr(verdict.recorded())
    return MAIL not in text and KEY not in text and bool(verdict.findings)


CHECKS: Mapping[int, Callable[[], bool]] = {
    22: _tainted,
    24: _split_anywhere,
    25: _changed_by_the_model,
    26: _valid_json,
    27: _no_collision,
    28: _fails_closed,
    29: _only_cleared_leaves,
    30: _verdict_is_silent,
}


def _holds(check: Callable[[], bool]) -> bool:
    """A refusal where there should be an answer is not a pass."""
    try:
        return check()
    except PrivacyRefused:
        return False


def tricks() -> list[Trick]:
    """All thirty, in order."""
    failed: dict[int, list[str]] = {number: [] for number in range(1, 31)}
    for name, body in CASES.items():
        if not stays(body):
            failed[int(name[:2])].append(name)
    for number, check in CHECKS.items():
        if not _holds(check):
            failed[number].append(check.__name__.strip("_").replace("_", " "))
    return [Trick(number, not names, tuple(names)) for number, names in failed.items()]
