"""Content at rest: nothing readable in any file, nothing moved from row to row, nothing lost."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.config import TracesConfig
from shortstop.errors import StoreError
from shortstop.stores.sqlite.responses import SqliteResponses
from shortstop.traces.content import ContentPolicy
from shortstop.traces.document import decode
from shortstop.traces.responses import StoredResponse, StoredResponses
from shortstop.traces.seal import Seal, is_sealed
from shortstop.types import Json
from tests.conftest import FakeClock
from tests.traces.example import open_store, trace, traces

SECRET = "the walrus was Paul"
BODY: Json = {"messages": [{"role": "user", "content": SECRET}]}
SEAL = Seal("key")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def everything(folder: Path) -> bytes:
    return b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file())


@given(st.dictionaries(st.text(), JSON, max_size=3))
def test_what_is_closed_opens_again(body: Json) -> None:
    closed = msgspec.json.decode(msgspec.json.encode(SEAL.close(body, "row 1")))
    assert is_sealed(closed)
    assert SEAL.open(closed, "row 1") == body


def test_what_was_never_sealed_stays_as_it_is() -> None:
    original = trace(request=BODY, response=None)
    assert decode(ContentPolicy(TracesConfig()).seal(original), SEAL) == original


def test_another_key_another_row_or_another_byte_does_not_open() -> None:
    sealed = ContentPolicy(TracesConfig(), seal=SEAL).seal(trace(request=BODY))
    with pytest.raises(StoreError):
        decode(sealed, Seal("other"))
    tree = msgspec.json.decode(sealed)
    swapped = {"request": tree["response"], "response": tree["request"]}
    for change in (
        {"id": "another"}, swapped, {"request": {"shortstop-sealed": "no base64!"}},
    ):  # fmt: skip
        with pytest.raises(StoreError):
            decode(msgspec.json.encode(tree | change), SEAL)


def test_nothing_readable_reaches_a_file(tmp_path: Path) -> None:
    store = open_store(tmp_path / "t.db", TracesConfig(), FakeClock(), seal=SEAL)
    store.open(trace(id="a", request=BODY))
    store.append(trace(id="a", request=BODY))
    assert SECRET.encode() not in everything(tmp_path), "nor in the journal"
    assert store.flush()
    assert [t.request for t in traces(tmp_path / "t.db", SEAL)] == [BODY]
    store.close()
    assert SECRET.encode() not in everything(tmp_path)


def test_stored_responses_are_sealed_too(tmp_path: Path) -> None:
    path, clock = tmp_path / "r.db", FakeClock()
    plain = StoredResponses(SqliteResponses(path), clock)
    plain.keep("me", StoredResponse("old", None, [BODY], {"id": "old"}))
    sealed = StoredResponses(SqliteResponses(path), clock, SEAL)
    sealed.keep("me", StoredResponse("new", "old", [{"text": "goo goo goo joob"}], {"id": "new"}))
    assert sealed.conversation("me", "new") == [BODY, {"text": "goo goo goo joob"}]
    assert b"joob" not in everything(tmp_path)
    assert plain.find("me", "new") is None, "without its key it counts as not kept"
    assert sealed.seal_earlier() == 1
    assert sealed.seal_earlier() == 0
    sealed.sweep()
    assert SECRET.encode() not in everything(tmp_path)
    assert sealed.conversation("me", "new") == [BODY, {"text": "goo goo goo joob"}]


def test_erased_content_is_gone_from_the_disk_and_its_figures_stay(tmp_path: Path) -> None:
    store = open_store(tmp_path / "t.db", TracesConfig(), FakeClock())
    store.append(trace(id="a", tenant="acme", conversation="c1", request=BODY))
    store.append(trace(id="b", tenant="acme", conversation="c2", request=BODY))
    store.append(trace(id="c", tenant="rival", conversation="c1", request=BODY))
    assert store.forget("acme", "c1") == 1
    kept = {t.id: t.request for t in traces(tmp_path / "t.db")}
    assert kept == {"a": None, "b": BODY, "c": BODY}
    assert store.forget("acme", "c2") == store.forget("rival", "c1") == 1
    assert SECRET.encode() not in everything(tmp_path)
    assert all(t.bill is not None for t in traces(tmp_path / "t.db"))
    store.close()
