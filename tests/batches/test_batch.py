"""A batch's status goes one way, and each change has its moment."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shortstop.batches.batch import Batch, BatchTerms
from shortstop.traces.seal import Seal
from shortstop.types.batches import UNFINISHED, BatchStatus
from tests.batches.world import ENDPOINT, SEAL
from tests.stores.contract.batches import batch_row

ENDED: list[BatchStatus] = ["completed", "failed", "expired", "cancelled"]


def batch(status: BatchStatus = "validating") -> Batch:
    return Batch(batch_row("b", "f", status=status), BatchTerms(ENDPOINT))


@given(st.lists(st.sampled_from([*UNFINISHED, *ENDED]), max_size=8))
def test_what_has_ended_changes_no_more(statuses: list[BatchStatus]) -> None:
    now = batch()
    for moment, status in enumerate(statuses):
        before, now = now, now.become(status, moment)
        if before.ended:
            assert now == before
        elif status != before.row.status:
            assert now.row.status == status
            assert now.terms.moments[status] == moment


def test_its_terms_are_sealed() -> None:
    secret = Batch(batch_row("b", "f"), BatchTerms(ENDPOINT, metadata={"who": "Maria Musterfrau"}))
    row = secret.sealed(SEAL)
    assert b"Maria" not in row.record
    opened = Batch.opened(row, SEAL)
    assert opened.terms == secret.terms


def test_without_its_key_it_has_no_terms() -> None:
    row = batch().sealed(SEAL)
    lost = Batch.opened(row, Seal("another secret"))
    assert (lost.row.status, lost.terms.endpoint) == ("validating", "")
