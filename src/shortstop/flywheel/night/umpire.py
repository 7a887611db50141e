"""The night's judge as an umpire of held-out answers: what it has said of them is remembered.

TASK/rulings.json holds hashes of rows with answers beside grades, nothing that was asked or
answered: the models of the next night give the same answers to the same rows, which are not judged
twice.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import msgspec

from shortstop.flywheel.appeal import Claim
from shortstop.flywheel.night.hearing import HELD_OUT, Court, Dispute
from shortstop.flywheel.verdicts import BothGrades
from shortstop.private_files import make_folder, replace_file
from shortstop.routing import winner
from shortstop.specialists.json_object import read

log = logging.getLogger("shortstop")

FILE = "rulings.json"
MOST_CLAIMS = 300
"""That are judged for one task in one night: the proof needs the judge's money, too."""
KEPT = 20_000


class NightUmpire:
    """Implements appeal.Umpire for the task in `folder`. An answer that the judge prefers to the
    teacher's is worth 1 less `error`, the share of verdicts that is taken to be wrong; any other
    answer nothing. A threshold only proposes: the proof reckons with a judge that is partial."""

    def __init__(self, court: Court, folder: Path, error: float) -> None:
        self._court = court
        self._file = folder / FILE
        self.most = 1.0 - error
        self._left = MOST_CLAIMS
        self._said = self._read()

    def _read(self) -> dict[str, BothGrades | None]:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=dict[str, BothGrades | None])
        except FileNotFoundError:
            return {}
        except msgspec.MsgspecError as error:
            log.warning("%s cannot be read and is begun again: %s", self._file, error)
            return {}

    def worth(self, claim: Claim) -> float | None:
        """See Umpire."""
        mark = _mark(claim)
        if mark not in self._said:
            return None
        both = self._said[mark]
        return self.most if both is not None and winner(*both) == -1.0 else 0.0

    def rule(self, claims: Sequence[Claim]) -> bool:
        """See Umpire; raises OSError."""
        asked = claims[: self._left]
        said = self._court.hear([Dispute(claim.row, HELD_OUT, claim.answer) for claim in asked])
        self._left -= len(said)
        for claim, both in zip(asked, said, strict=False):
            self._said[_mark(claim)] = both
        self._write()
        return len(said) == len(claims)

    def _write(self) -> None:
        kept = dict(list(self._said.items())[-KEPT:])
        make_folder(self._file.parent)
        replace_file(self._file, msgspec.json.encode(kept))


def _mark(claim: Claim) -> str:
    """The same for answers that differ in how their JSON is written alone, or the teacher's is."""
    whole = "\0".join((claim.row.id, claim.row.answer, _plain(claim.answer)))
    return blake2b(whole.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _plain(answer: str) -> str:
    found = read(answer)
    if found is None:
        return answer.strip()
    return msgspec.json.encode(found.fields, order="sorted").decode()
