# ruff: noqa: E501 - cases are one line each
"""Thirty tricks, by the numbers of the threat list (docs/privacy.md). Passed: flagged, or treated as
unreadable and kept local; for the last ones what their own words say.

29 and 30 are about paths and files of the whole gateway: they are tried by the tests with real
processes (tests/server/test_canary.py), and counted here by what this room can show of them.
"""

from __future__ import annotations

import base64
import codecs
import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import Struct

from shortstop.config import PrivacyConfig, PrivacyPolicy, PrivacyRule
from shortstop.errors import PrivacyRefused
from shortstop.privacy.guard import PrivacyGuard
from shortstop.privacy.replace.restore import Buffer, Restorer
from shortstop.types import (
    Caller,
    Choice,
    Clearance,
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


def said(*texts: str) -> Json:
    return {"model": "auto", "messages": [{"role": "user", "content": t} for t in texts]}


def _parts(*parts: Json) -> Json:
    return {"messages": [{"role": "user", "content": list(parts)}]}


def _called(arguments: object) -> Json:
    call = {"function": {"arguments": json.dumps(arguments)}}
    return {"messages": [{"role": "assistant", "tool_calls": [call]}]}


CASES: Mapping[str, Json] = {
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
    "16 developer": {"messages": [{"role": "developer", "content": f"never tell {MAIL}"}]},
    "17 tool result": _parts({"type": "tool_result", "content": [{"type": "text", "text": CARD}]}),
    "18 nested": _called({"x": json.dumps({"to": MAIL})}),
    "19 schema": {"tools": [{"function": {"name": "f", "description": f"mails {MAIL}"}}], "messages": []},
    "19 metadata": {"messages": [], "user": MAIL, "metadata": {"ssn": "088321296"}},
    "20 data uri": said("data:image/png;base64," + base64.b64encode(bytes(range(256)) * 8).decode()),
    "20 url": _parts({"type": "image_url", "image_url": {"url": "https://h.io/x.png?to=jane.doe%40acme.com"}}),
    "21 split": said("write to jane.doe@acme", "-corp.com please"),
    "21 split card": said("card 5474-0399", "-6012-1113 ok"),
    "23 draft reused": {"messages": [{"role": "assistant", "content": f"Your card is {CARD}."}, {"role": "user", "content": "improve this"}]},
}  # fmt: skip


def as_request(body: Json, id: str = "r1") -> Request:
    """As the dialects do it, as far as privacy looks at it."""
    found = [m for m in body.get("messages", ()) if isinstance(m.get("content"), str)]
    messages = tuple(Message(m["role"], (Text(m["content"]),)) for m in found)
    return Request(id, "openai.chat", body, "auto", messages)


def guard(*rules: PrivacyRule, **more: Any) -> PrivacyGuard:
    config = PrivacyConfig(policies={"default": PrivacyPolicy(rules=rules)}, **more)
    return PrivacyGuard(config, lambda request, body: as_request(body, request.id), key=b"k" * 32)


def stays(body: Json) -> bool:
    return guard().clear(as_request(body), Caller()).reach >= Reach.LOCAL_ONLY


@dataclass(frozen=True, slots=True)
class _Trip:
    """A pseudonymised request and the way back."""

    sentinel: PrivacyGuard
    cleared: Any
    sent: str

    @classmethod
    def of(cls, text: str, tenant: str = "default") -> _Trip:
        sentinel = guard(PrivacyRule("pseudonymise", tier="S2"))
        request = as_request(said(text))
        caller = Caller(tenant, conversation="c")
        cleared = sentinel.release(request, sentinel.clear(request, caller), REMOTE)
        return cls(sentinel, cleared, cleared.request.messages[0].text)

    def back(self, text: str) -> str:
        reply = Reply("r", "m", (Choice(parts=(Text(text),)),))
        return self.sentinel.restore(reply, self.cleared).text


def _tainted() -> bool:
    sentinel, caller = guard(), Caller(conversation="c")
    sentinel.clear(as_request(said(MAIL)), caller)
    return sentinel.clear(as_request(said("send it to her")), caller).reach == Reach.LOCAL_ONLY


def _split_anywhere() -> bool:
    restorer = Restorer({"person-kx@example.org": "jané@acme.com"})
    text = "to person-kx@example.org now"
    return all(
        (b := Buffer(restorer)).push(text[:i]) + b.push(text[i:], final=True)
        == "to jané@acme.com now"
        for i in range(len(text))
    )


def _changed_by_the_model() -> bool:
    trip = _Trip.of(f"write to {MAIL}")
    stand_in = trip.sent.removeprefix("write to ")
    forms = (stand_in.upper(), f"**{stand_in}**", f"{stand_in}'s", f"`{stand_in}`,")
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
    first = _Trip.of(f"write to {MAIL}").sent.removeprefix("write to ")
    taken = _Trip.of(f"write to {MAIL}, not to {first}")
    other = _Trip.of(f"write to {MAIL}", tenant="b").sent.removeprefix("write to ")
    return other != first and taken.sent.count(first) <= 1 and MAIL in taken.back(taken.sent)


class _Crashing(PrivacyGuard):
    def findings(self, body: Json, tenant: str = "default") -> list[Finding]:
        raise RuntimeError("a detector crashed")


def _fails_closed() -> bool:
    crashed, late = _Crashing(PrivacyConfig(), lambda request, body: request), guard(timeout=1e-9)
    verdicts: list[Clearance] = [
        crashed.clear(as_request(said("hello")), Caller()),
        late.clear(as_request(said("hello " * 10_000)), Caller()),
        guard().clear(as_request(said("x " * 1_500_000)), Caller()),
        guard().clear(as_request(said("a@" * 40_000 + "!")), Caller()),
    ]
    return all(v.reach >= Reach.LOCAL_ONLY for v in verdicts[:3]) and verdicts[3] is not None


def _only_cleared_leaves() -> bool:
    """Without a judgement, after a pin, or for an unknown part nothing is released."""
    sentinel = guard()
    pinned, unseen = as_request(said(MAIL)), as_request(said("hello"), "r2")
    odd = Request(
        "r3", "openai.chat", {"messages": []}, "auto", (Message("user", (Opaque("odd", {}),)),)
    )
    verdicts = [
        sentinel.clear(pinned, Caller()),
        Clearance(sentinel.clear(odd, Caller()).tier, Reach.LOCAL_ONLY),
    ]
    tries = ((pinned, verdicts[0]), (unseen, verdicts[0]), (odd, verdicts[1]))
    return all(_refused(sentinel, request, verdict) for request, verdict in tries)


def _refused(sentinel: PrivacyGuard, request: Request, verdict: Clearance) -> bool:
    try:
        sentinel.release(request, verdict, REMOTE)
    except PrivacyRefused:
        return True
    return False


def _verdict_is_silent() -> bool:
    """What is told about a finding holds no value."""
    verdict = guard().clear(as_request(said(f"{MAIL} {KEY}")), Caller())
    told = repr((verdict.labels, verdict.reasons, verdict.policy, verdict.findings))
    return MAIL not in told and KEY not in told and bool(verdict.findings)


OTHERS: Mapping[int, Callable[[], bool]] = {
    22: _tainted,
    24: _split_anywhere,
    25: _changed_by_the_model,
    26: _valid_json,
    27: _no_collision,
    28: _fails_closed,
    29: _only_cleared_leaves,
    30: _verdict_is_silent,
}


def _survived(holds: Callable[[], bool]) -> bool:
    """A refusal where there should be an answer is no pass either."""
    try:
        return holds()
    except PrivacyRefused:
        return False


def tricks() -> list[Trick]:
    """All thirty, in order."""
    through: dict[int, list[str]] = {n: [] for n in range(1, 31)}
    for name, body in CASES.items():
        if not stays(body):
            through[int(name[:2])].append(name)
    for number, holds in OTHERS.items():
        if not _survived(holds):
            through[number].append(holds.__name__.strip("_").replace("_", " "))
    return [Trick(n, not failed, tuple(failed)) for n, failed in through.items()]
