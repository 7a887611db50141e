"""One task's data set: what trains, what is doubted, what examines, and what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

from msgspec.structs import replace

from shortstop.flywheel.curate.doubt import doubted
from shortstop.flywheel.curate.frozen import Frozen
from shortstop.flywheel.curate.near import without_doubles
from shortstop.flywheel.curate.shape import of_one_form
from shortstop.flywheel.examples import Example
from shortstop.flywheel.fingerprints import data_hash, distinct, fingerprint
from shortstop.specialists.encoder import Encoder

TRAINING = 0.8
"""Share of the examples, in order of time, that trains."""


class Dataset(NamedTuple):
    """Oldest first. `doubted` neither trains nor examines; thresholds are found on it as well, so
    that leaving it out flatters nobody. What is `answered` by who is live trains nobody either; the
    rest is what that one found hard, so thresholds and examinations count it, too. `left_out`
    counts examples by why."""

    train: list[Example]
    doubted: list[Example]
    examine: list[Example]
    left_out: Counter[str]
    answered: Sequence[Example] = ()

    @property
    def whole(self) -> list[Example]:
        return [*self.train, *self.doubted, *self.examine]

    @property
    def calibrating(self) -> Sequence[Example]:
        """Of what was answered the part for thresholds."""
        return self.answered[: round(TRAINING * len(self.answered))]

    @property
    def examination(self) -> list[Example]:
        """What neither training nor thresholds have seen."""
        return [*self.examine, *self.answered[len(self.calibrating) :]]

    @property
    def asked_before(self) -> list[Example]:
        """The examination's texts that were asked before, as they were answered then."""
        return [
            replace(row, answer=row.earlier[-1], earlier=row.earlier[:-1], gold=False)
            for row in self.examine
            if row.earlier
        ]

    @property
    def name(self) -> str:
        """The hash of all of it."""
        parts = (self.train, self.doubted, self.examine, self.answered)
        whole = blake2b("".join(map(data_hash, parts)).encode(), digest_size=16)
        return whole.hexdigest()


def curate(
    examples: Sequence[Example],
    frozen: Frozen,
    encoder: Encoder | None = None,
    seed: int = 0,
    trained: float = 0.0,
) -> Dataset:
    """`frozen` is told what the examination is made of; whoever goes on keeps it first. Rows until
    `trained` (Unix seconds) may have trained somebody already: none of them joins it."""
    left_out: Counter[str] = Counter()
    rows = _counted(list(examples), of_one_form(examples), left_out, "not-in-form")
    rows = _counted(rows, distinct(rows), left_out, "duplicate")
    asked = [row for row in rows if not row.synthetic]
    train, examine = _split(asked, frozen, trained)
    train += [row for row in rows if row.synthetic]
    train = _counted(train, without_doubles(train, encoder), left_out, "near-duplicate")
    against = doubted(train, encoder, seed)
    left_out["doubted"] = len(against)
    return Dataset(
        [row for number, row in enumerate(train) if number not in against],
        [row for number, row in enumerate(train) if number in against],
        examine,
        +left_out,
    )


def beside(data: Dataset, answered: Sequence[Example]) -> Dataset:
    """With those of the answers of who is live whose requests are no others of the data."""
    known = {fingerprint(row) for row in data.whole}
    fresh = {print_: row for row in answered if (print_ := fingerprint(row)) not in known}
    return data._replace(answered=list(fresh.values()))


def _counted(
    before: list[Example], after: list[Example], left_out: Counter[str], why: str
) -> list[Example]:
    left_out[why] += len(before) - len(after)
    return after


def _split(
    rows: Sequence[Example], frozen: Frozen, trained: float
) -> tuple[list[Example], list[Example]]:
    """What has been in an examination stays in it; of the others the newest join it, and with them
    whatever belongs to the same conversations."""
    examine = [row for row in rows if fingerprint(row) in frozen.prints]
    rest = [row for row in rows if fingerprint(row) not in frozen.prints]
    wanted = round((1 - TRAINING) * len(rows)) - len(examine)
    fresh = [row for row in rest if row.at > trained]
    newest = fresh[-wanted:] if wanted > 0 else []
    talks = {row.conversation for row in newest if row.conversation}
    joined = {id(row) for row in fresh if row.conversation in talks}
    if len(joined) > 2 * len(newest):  # the client names all its requests alike
        joined = set()
    joined |= {id(row) for row in newest}
    examine += [row for row in rest if id(row) in joined]
    frozen.add(fingerprint(row) for row in examine)
    train = [row for row in rest if id(row) not in joined]
    return train, sorted(examine, key=lambda row: (row.at, row.id))
