# ruff: noqa: E501 - patterns are read whole
"""A small logistic model: how likely a candidate is a secret, by what it is and what stands near.

Features have names, weights are data (`data/secret_weights.json`, made by
`python -m scripts.fit_secrets`). Which cues announce which make of value is data as well.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from msgspec import Struct

from shortstop.privacy.detect.candidates import Suspect
from shortstop.privacy.detect.cues import Surroundings
from shortstop.privacy.detect.secrets import entropy
from shortstop.privacy.detect.wordlists import secret_words as words

_LABEL = re.compile(r"[\"'`]?\s?[(\[](?:[^\W\d_]+[ -]?){1,3}[)\]]")
_LETTERS = re.compile(r"[a-z]{2,}")
_SWITCH = re.compile(
    r"(?<=[a-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[0-9])"
)
_SELF = re.compile(r"(?i)passw|token|secret|_key|key_|credential|auth|login|user|admin|session")
_ASSIGNED = re.compile(r"[=:>]\s{0,2}[\"'`]?$")
_SYNTAX = re.compile(r"[()\[\]{}<>=/\\:;,|]")
_CUT = re.compile(r"[(){}\[\]<>\"']|\w=")
_LAST = re.compile(r"([^\W\d_]+)\s?[\"'`(]?$")
_SAID = re.compile(
    r"(?i)(?:^|[^\w])(?:is|was|are|be|it's|that's|now|ist|lautet|war|est|c'est|était|es|era|son|è|é|sono|são|ser[áà]|jest|to|är|er|on|olan|este|est[áà]|then|dann|puis|luego|poi|waarde|becomes|auf|zu|en|a|na|på|til|till|on|as|by|with|mit|avec|con|com|met|med|είναι|είναι|в|это|є|как|है|là|thành|คือ|เป็น|adalah|ialah|هو|هي|إلى|הוא|היא|zni|reads?|says?|said|shows?|got|use[ds]?|typed?|type|enter(?:ed)?)\s{1,3}[\"'`“«„(\[*]{0,2}$"
    r"|(?:[:=：＝→⇒]|->|=>|[是为為はがを은는이가를을])\s{0,3}[\"'`“«„「『(\[*]{0,3}$"
)
"""What says that the value comes now: a copula, a colon, "to"."""
_BEHIND = re.compile(
    r"[\"'`”»“)\]*.!]{0,3}\s{0,2}(?:(?i:is|was|ist|war|est|es|è|é|jest|är|er)\b|geändert|is my|が|は|で[すし]|に変更|に設定|로\s|으로\s|입니다|인데|이고|이에요|है)"
)
_ALONE = re.compile(r"(?:^|[\n\x1f])[ \t>*•-]{0,4}[\"'`]?$")
FAINT = 0.2
"""Nearness below which a cue is taken to speak of something else."""
CLOSE = 0.5
"""The same for words in a row, which are everywhere."""
FULLY = 0.85
"""What a cue must say about a make of value to state it."""
_NUMBERED = re.compile(r"_?[A-Za-z]?[a-z]+(?:[-_.][a-z]+)*\d{1,2}|[A-Z]{1,6}-?\d{1,4}")
QUOTES = "\"'`“”„«»‘’「」"


class SecretModel(Struct, frozen=True):
    """The weights by feature, and the log-odds from which on a candidate is believed."""

    weights: dict[str, float]
    threshold: float
    letter_pairs: dict[str, float]

    def score(self, features: Mapping[str, float]) -> float:
        """Log-odds of being a secret."""
        if not features:
            return -math.inf
        return sum(self.weights.get(name, 0.0) * x for name, x in features.items())

    def believes(self, features: Mapping[str, float]) -> bool:
        """Whether it is taken for a secret: by its score, or because the text says that it is one."""
        return bool(features.get("stated")) or self.score(features) >= self.threshold


@cache
def model() -> SecretModel:
    """The fitted model."""
    path = files("shortstop.privacy").joinpath("data", "secret_weights.json")
    raw = json.loads(path.read_text(encoding="utf-8"))
    return SecretModel(raw["weights"], raw["threshold"], raw["letter_pairs"])


def surprise(value: str, pairs: Mapping[str, float]) -> float:
    """Bits by which pairs of letters are rarer than in words and names, for each pair; 0 for
    words, about 3 for drawn letters."""
    bits = [
        pairs.get(run[i : i + 2], 6.0)
        for run in _LETTERS.findall(value.lower())
        for i in range(len(run) - 1)
    ]
    return sum(bits) / len(bits) if bits else 0.0


def features(
    candidate: Suspect, around: Surroundings, pairs: Mapping[str, float]
) -> dict[str, float]:
    """Of one candidate, by name; all between -1 and about 3. None of them where no cue is near."""
    value, form = candidate.value, candidate.form
    result = _announced(candidate, around)
    best = result.pop("near")
    if form in ("words", "joined") and _function_words(value) > CLOSE / 2:
        return {}
    stands = _stands(candidate, around.text)
    if best < (CLOSE if form in ("words", "joined") else FAINT / (1 + 2 * stands["alone"])):
        return {}
    against = around.near(candidate.start, candidate.end, denies()[form])
    against = {kind: at for kind, at in against.items() if at[0] > best / 2}
    disputed = "disputed " if against else ""
    result |= {"one": 1.0, f"is {form}": 1.0, f"near {disputed}{form}": best}
    behind = result["touches"] * _is_labelled(candidate, around.text)
    said = max(stands["said"] * result["before"], result.pop("next", 0.0), behind)
    whole = form not in ("words", "joined") and _CUT.search(value) is None
    result["stated"] = said * float(not against and whole) * result.pop("fully")
    result["disputed"] = float(bool(against))
    result |= {f"against {kind}": x for kind, (x, _) in against.items()}
    if any(x > best for x, _ in against.values()):
        result["against is nearer"] = 1.0
    return result | _made(value, form, pairs) | stands


def _is_labelled(candidate: Suspect, text: str) -> bool:
    """Whether what it is stands behind it in brackets: "739182 (PIN)"."""
    return _LABEL.match(text, candidate.end) is not None


def _announced(candidate: Suspect, around: Surroundings) -> dict[str, float]:
    """How near the best cue for this make is, on which side, and whether there are more."""
    best, result = 0.0, dict[str, float]()
    shares = announces()[candidate.form]
    near = around.near(candidate.start, candidate.end, shares)
    for kind, (x, before) in near.items():
        if x * shares[kind] > best:
            best = x * shares[kind]
            result = {
                "touches": float(best == 1.0),
                "touches before": float(best == 1.0 and before),
                "before": float(before),
                "next": float(before and x == 1.0),
                "fully": float(
                    shares[kind] >= FULLY and x >= CLOSE and kind not in ("licence", "bare", "file")
                ),
            }
    result["second cue"] = float(sum(x >= 0.4 for x, _ in near.values()) > 1)
    result["near"] = best
    result.setdefault("fully", 0.0)
    result.setdefault("before", 0.0)
    return result


@cache
def announces() -> dict[str, dict[str, float]]:
    """By make of value: how much a cue of a class says about it."""
    table: dict[str, dict[str, float]] = words()["announces"]
    return table


@cache
def denies() -> dict[str, frozenset[str]]:
    """By make of value: the classes of cues that speak against it."""
    table: dict[str, list[str]] = words()["denies"]
    return {
        form: frozenset(k for k, forms in table.items() if form in forms) for form in announces()
    }


def _made(value: str, form: str, pairs: Mapping[str, float]) -> dict[str, float]:
    n = len(value)
    switches = len(_SWITCH.findall(value))
    result = {
        "length": min(math.log2(n / 8), 3.0),
        "entropy": entropy(value) / max(1.0, math.log2(n)),
        "surprise": surprise(value, pairs),
        "switches": switches / n * 4,
        "alternates": float(switches >= 3),
        "signs": min(3, sum(not c.isalnum() and c not in "-_./:" for c in value)) / 3,
        "joints": 0.0
        if form in ("words", "joined")
        else min(4, sum(c in "-_./:" for c in value)) / 4,
        "as a name with a number": float(_NUMBERED.fullmatch(value) is not None),
        "names itself": float(_SELF.search(value) is not None),
    }
    if form == "hex":
        result["long as a commit"] = float(n == 40)
    if form in ("words", "joined"):
        result["function words"] = _function_words(value)
    if form == "mixed":
        result["as a password"] = float(_kinds(value) == 4 and not _SYNTAX.search(value))
    if form in ("chosen", "coded", "mixed", "random"):
        result["digits"] = sum(c.isdigit() for c in value) / n
        result["lower only"] = float(value.lower() == value)
        result["upper only"] = float(value.upper() == value)
    return result


def _function_words(value: str) -> float:
    parts = re.split(r"[-_. ]", value)
    return sum(w in _never() for w in parts) / len(parts)


def _stands(candidate: Suspect, text: str) -> dict[str, float]:
    start, end = candidate.start, candidate.end
    before, behind = text[max(0, start - 4) : start], text[end : end + 1]
    return {
        "quoted": float(
            before[-1:] in QUOTES and behind in QUOTES and bool(before) and bool(behind)
        ),
        "given with": float(_last_word(text, start) in _means()),
        "after a slash": float(before.endswith("/")),
        "somebody's": float(
            _mine().search(text, max(0, start - 60), min(len(text), end + 60)) is not None
        ),
        "assigned": float(_ASSIGNED.search(before) is not None),
        "said": float(_SAID.search(text, max(0, start - 16), start) is not None),
        "said behind": float(_BEHIND.match(text, end, min(len(text), end + 16)) is not None),
        "alone": float(
            _ALONE.search(text, max(0, start - 8), start) is not None
            and text[end : end + 1] in ("", "\n", "\x1f")
        ),
    }


def _kinds(value: str) -> int:
    """How many of: small letters, capitals, digits, signs."""
    return (
        any(c.islower() for c in value)
        + any(c.isupper() for c in value)
        + any(c.isdigit() for c in value)
        + any(not c.isalnum() and c not in "-_'" for c in value)
    )


def _last_word(text: str, start: int) -> str:
    match = _LAST.search(text, max(0, start - 20), start)
    return match.group(1).lower() if match else ""


@cache
def _means() -> frozenset[str]:
    return frozenset(words()["joins"]["means"])


@cache
def _never() -> frozenset[str]:
    return frozenset(words()["phrases"]["never"])


@cache
def _mine() -> re.Pattern[str]:
    """Whose it is: in code nobody says so."""
    every = [re.escape(w).replace("\\*", r"\w*") for w in words()["joins"]["mine"]]
    return re.compile(rf"(?i)(?<![\w-])(?:{'|'.join(every)})(?![\w-])")
