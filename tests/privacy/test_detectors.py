"""The detectors over a whole body, within limits of size and time, for each tenant its own."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from shortstop.config import PrivacyConfig
from shortstop.errors import ConfigError
from shortstop.privacy.body import readable_body
from shortstop.privacy.detect.scan import Unreadable
from shortstop.privacy.detectors import GRACE, Detectors
from shortstop.types import Json, Message, Request, Text, Tier

from .conftest import BODIES, chat

MAIL = "jane.doe@acme-corp.com"


def detectors(**more: object) -> Detectors:
    return Detectors(PrivacyConfig(**more), time.monotonic, BODIES.words)  # type: ignore[arg-type]


def test_findings_by_path_and_place_never_the_value() -> None:
    body: Json = {"messages": [{"role": "user", "content": f"to {MAIL}"}], "x": {MAIL: None}}
    findings = detectors().findings(body)
    assert {(f.label, f.path) for f in findings} == {
        ("EMAIL", "$.messages[0].content"),
        ("EMAIL", f"$.x.{MAIL}~"),
    }
    assert {(f.start, f.end) for f in findings} == {(3, 3 + len(MAIL)), (0, len(MAIL))}


@pytest.mark.parametrize("size", [99, 100])
def test_the_limit_is_of_all_strings_together(size: int) -> None:
    limited = detectors(max_scan_chars=100)
    limited.findings({"a": "x" * 50, "b": "y" * (size - 50)})
    with pytest.raises(Unreadable, match="too-large"):
        limited.findings({"a": "x" * 50, "b": "y" * 51})


def test_the_clock_is_asked_while_they_work() -> None:
    times = iter([0.0, 1.0, 2.0, 9.0])
    hurrying = Detectors(PrivacyConfig(timeout=5), lambda: next(times, 9.0), BODIES.words)
    with pytest.raises(TimeoutError):
        hurrying.findings(chat(MAIL))


def test_one_that_never_looks_at_the_clock_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: object) -> None:
        until = time.monotonic() + 5
        while time.monotonic() < until:
            pass

    monkeypatch.setattr("shortstop.privacy.detectors.scan", hang)
    began = time.monotonic()
    with pytest.raises(TimeoutError, match="hang"):
        detectors(timeout=0.05).findings(chat("hello"))
    assert 0.05 + GRACE <= time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"a": object()}, TypeError),
        ({1: "a"}, TypeError),
        ({"a": b"bytes"}, TypeError),
        (None, None),
    ],
)
def test_what_is_no_json_is_an_error(body: object, error: type[Exception] | None) -> None:
    if error is None:
        deep: Json = {}
        for _ in range(200):
            deep = {"x": deep}
        body, error = deep, ValueError
    with pytest.raises(error):
        detectors().findings(body)  # type: ignore[arg-type]


def test_terms_and_documents_are_their_tenants_own(tmp_path: Path) -> None:
    plan = tmp_path / "plan.txt"
    plan.write_text("the quick plan is to open twelve new shops in the north before winter")
    own = detectors(terms={"acme": ("Project Osprey",)}, documents={"beta": (str(plan),)})
    term, passage = "on project osprey", "so: open twelve new shops in the north before winter"

    def found(text: str, tenant: str) -> set[tuple[str, Tier]]:
        return {(f.label, f.tier) for f in own.findings(chat(text), tenant)}

    assert found(term, "acme") == {("DICTIONARY", Tier.S3)}
    assert found(passage, "beta") == {("FINGERPRINT", Tier.S3)}
    assert found(passage, "acme") == found(term, "beta") == found(term, "default") == set()


@pytest.mark.parametrize("content", [None, b"\xff\xfe\xfa"])
def test_a_document_that_cannot_be_read_cannot_be_protected(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "plan.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"plan\.txt.*acme.*cannot be read: (No such|it is not)"):
        detectors(documents={"acme": (str(path),)})


def test_a_request_is_read_by_its_body_or_else_by_its_parts() -> None:
    messages = (Message("user", (Text("hello"),)),)
    own = Request("r", "openai.chat", {"x": 1}, "auto", messages)
    assert readable_body(own) == {"x": 1}
    bare = readable_body(Request("r", "openai.chat", {}, "auto", messages, user="jane"))
    assert "hello" in repr(bare)
    assert bare["user"] == "jane"
    assert {"id", "dialect", "body"}.isdisjoint(bare)
