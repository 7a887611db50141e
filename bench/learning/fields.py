"""JSON answers: receipts copied field by field, and slots of short utterances on new wordings."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from msgspec.structs import replace

from bench.learning import rows
from bench.learning.figures import Bars, Figure, plain, share
from bench.learning.taggers import kept_taggers
from shortstop.flywheel.composed.trainer import ComposedTrainer, made, study
from shortstop.flywheel.copy.align import align_field
from shortstop.flywheel.examine import calibrated, finished
from shortstop.flywheel.examples import Example
from shortstop.flywheel.trainer import Grade, Made, Recipe
from shortstop.routing import grade
from shortstop.specialists.composed.composed import ComposedSpecialist, Read, read_all
from shortstop.specialists.copy.forms import loose
from shortstop.specialists.copy.page import Page
from shortstop.specialists.json_object import read
from shortstop.specialists.opinion import Gate, Opinion, Specialist

TARGET = 0.95
SLOTS = "presidio_synth_v2.jsonl"
SLOT_CLASSES = 7
"""The most frequent ones."""
UNSEEN_TEMPLATES = 0.3
HELD_OUT = 0.2
"""Of the rows of templates that train."""

Accepted = list[Mapping[str, frozenset[str]]]
"""The loose spellings that are right, by field, for each row."""
Counts = dict[str, list[tuple[float, int]]]


def run(folder: Path, seeds: Sequence[int]) -> list[Figure]:
    return receipts(folder, seeds) + slots(folder, seeds)


def receipts(folder: Path, seeds: Sequence[int]) -> list[Figure]:
    table = rows.read(folder, "extract_sroie")
    if not table:
        return []
    train = _examples([row for row in table if row["split"] == "train"])
    test = _examples([row for row in table if row["split"] == "test"])
    judges = {"gold": (_gold(train), _gold(test)), "text": (_allowed(train), _allowed(test))}
    counts: Counts = {}
    paces: list[float] = []
    with kept_taggers():
        for seed in seeds:
            for teacher, taught in (("gold", train), ("text", _by_text_alone(train))):
                lesson = _lesson(taught, seed, judges[teacher][0])
                opinions, times = _asked(lesson.one.specialist, test)
                paces += times
                for judge, (known, right) in judges.items():
                    tail = f"{teacher} teacher, {judge}"
                    papers = _Papers(lesson.rows, [known[place] for place in lesson.places])
                    _count_always(counts, f"out of fold, {tail}", lesson.read, papers)
                    held = [opinion for _, opinion in lesson.one.held_out]
                    _count_served(counts, f"out of fold, {tail}", lesson.gate, papers, held)
                    vendors = frozenset(one["company"] for one in known)
                    papers = _Papers(test, right, vendors)
                    _count_always(counts, f"test, {tail}", lesson.reads(test), papers)
                    _count_served(counts, f"test, {tail}", lesson.gate, papers, opinions)
    whole = Bars(0.64, 0.75)
    bars = {
        "whole, out of fold, gold teacher, gold": whole,
        "served whole, out of fold, text teacher, text": Bars(0.40, 0.60),
        "fields served, out of fold, text teacher, text": Bars(None, 0.85),
        "right of served, out of fold, text teacher, text": Bars(0.95, 0.95),
        "new vendors served wrongly, out of fold, text teacher, text": Bars(0.05, 0.02, "at most"),
    }
    out = [share("receipts", w, c, bars.get(w, Bars())) for w, c in sorted(counts.items())]
    if paces:
        pace = [float(np.percentile(paces, p)) for p in (50, 95)]
        out += [
            plain("receipts", f"CPU of an opinion, p{p}", [value], len(paces), unit="ms")
            for p, value in zip((50, 95), pace, strict=True)
        ]
    return out


class _Lesson(NamedTuple):
    """A specialist with its gate, and what its fields said about the rows at `places` of train."""

    one: Made
    gate: Gate
    rows: Sequence[Example]
    places: Sequence[int]
    read: Sequence[Read]

    def reads(self, test: Sequence[Example]) -> list[Read]:
        assert isinstance(self.one.specialist, ComposedSpecialist)
        fields = self.one.specialist.fields
        return [read_all(fields, Page(row.query.whole)) for row in test]


def _lesson(taught: Sequence[Example], seed: int, accepted: Accepted) -> _Lesson:
    recipe = Recipe(TARGET, None, time.time(), seed)
    studied = study(taught, recipe)
    at = {row.id: place for place, row in enumerate(taught)}
    places = [at[row.id] for row in studied.corpus.rows]
    papers = _Papers(studied.corpus.rows, [accepted[place] for place in places])
    one = made(studied, recipe, _judged(studied.read, papers.accepted))
    return _Lesson(one, calibrated(one, papers.grader(), TARGET), papers.rows, places, studied.read)


class _Papers(NamedTuple):
    """Rows with what is right; `vendors` are those of training, None: those of the other rows."""

    rows: Sequence[Example]
    accepted: Accepted
    vendors: frozenset[frozenset[str]] | None = None

    def new(self, place: int) -> bool:
        """Whether its vendor is met nowhere else."""
        own = self.accepted[place]["company"]
        if self.vendors is not None:
            return not any(own & vendor for vendor in self.vendors)
        return not any(own & a["company"] for i, a in enumerate(self.accepted) if i != place)

    def grader(self) -> Grade:
        accepted = {row.id: one for row, one in zip(self.rows, self.accepted, strict=True)}

        def grade_one(answer: str, row: Example) -> float:
            one = read(answer)
            right = accepted[row.id]
            return float(
                one is not None
                and all(loose(str(one.fields.get(n)))[0] in good for n, good in right.items())
            )

        return grade_one


def _examples(table: Sequence[rows.Row]) -> list[Example]:
    return rows.examples([row["text"] for row in table], [row["target"] for row in table])


def _gold(examples: Sequence[Example]) -> Accepted:
    """The reference alone: letters, digits and dots, in lower case."""
    return [
        {name: frozenset([loose(str(value))[0]]) for name, value in json.loads(one.answer).items()}
        for one in examples
    ]


def _allowed(examples: Sequence[Example]) -> Accepted:
    """The reference or, where that does not stand in the text, what does in its place: who gets
    the text alone cannot write more."""
    out: Accepted = []
    for one in examples:
        page, allowed = Page(one.query.whole), {}
        for name, value in json.loads(one.answer).items():
            spans = align_field([page], [[value]]).spans[0] or []
            texts = [value, *(page.piece(*span) for span in spans)]
            allowed[name] = frozenset(loose(text)[0] for text in texts)
        out.append(allowed)
    return out


def _by_text_alone(examples: Sequence[Example]) -> list[Example]:
    """As a teacher would answer who got the text alone: it cannot write what is not there."""
    out = []
    for one in examples:
        page, answer = Page(one.query.whole), json.loads(one.answer)
        for name, value in answer.items():
            spans = align_field([page], [[value]]).spans[0] or []
            if spans and loose(value)[0] not in page.flat[0]:
                found = " ".join(page.piece(*spans[0]).split())
                same = align_field([page], [[found]]).spans[0] == spans
                answer[name] = found if same else value
        out.append(replace(one, answer=json.dumps(answer)))
    return out


def _judged(read_ones: Sequence[Read], accepted: Accepted) -> list[dict[str, bool]]:
    return [
        {n: v is not None and loose(str(v.value))[0] in right[n] for n, v in one.items()}
        for one, right in zip(read_ones, accepted, strict=True)
    ]


def _count_always(counts: Counts, tail: str, read_ones: Sequence[Read], papers: _Papers) -> None:
    judged = _judged(read_ones, papers.accepted)
    for name in judged[0]:
        _add(counts, f"{name}, {tail}", sum(one[name] for one in judged), len(judged))
    _add(counts, f"whole, {tail}", sum(all(one.values()) for one in judged), len(judged))


def _asked(one: Specialist, test: Sequence[Example]) -> tuple[list[Opinion | None], list[float]]:
    """Opinions, and the CPU of each in milliseconds."""
    opinions, times = [], []
    for row in test:
        start = time.process_time()
        opinions += one.opine([row.query])
        times.append(1e3 * (time.process_time() - start))
    return opinions, times


def _count_served(
    counts: Counts, tail: str, gate: Gate, papers: _Papers, opinions: Sequence[Opinion | None]
) -> None:
    found: Counter[str] = Counter()
    for place, opinion in enumerate(opinions):
        found["fields"] += len(papers.accepted[place])
        found["new"] += papers.new(place)
        if opinion is None or not gate.serves(opinion):
            continue
        good = _right_fields(opinion, papers.accepted[place])
        found.update({"fields served": len(good), "fields right": sum(good)})
        found.update({"documents": 1, "documents right": all(good)})
        if not opinion.unsure:
            found.update({"served": 1, "right": all(good)})
            found["new wrong"] += papers.new(place) and not all(good)
    shares = {
        "served whole": ("served", len(opinions)),
        "right of served": ("right", found["served"]),
        "fields served": ("fields served", found["fields"]),
        "right of fields served": ("fields right", found["fields served"]),
        "right of whole and partly served": ("documents right", found["documents"]),
        "new vendors served wrongly": ("new wrong", found["new"]),
    }
    for what, (hits, n) in shares.items():
        _add(counts, f"{what}, {tail}", found[hits], n)


def _right_fields(opinion: Opinion, accepted: Mapping[str, frozenset[str]]) -> list[bool]:
    """Of the fields that it is sure of."""
    one = read(opinion.answer)
    assert one is not None
    return [
        loose(str(value))[0] in accepted[name]
        for name, value in one.fields.items()
        if name not in opinion.unsure
    ]


def _add(counts: Counts, what: str, hits: float, n: int) -> None:
    counts.setdefault(what, []).append((hits, n))


def slots(folder: Path, seeds: Sequence[int]) -> list[Figure]:
    """Short sentences from templates: some templates are never seen in training."""
    file = next(
        (one for one in (folder, folder.parent / "privacy") if (one / SLOTS).is_file()), None
    )
    if file is None:
        return []
    table = [json.loads(line) for line in (file / SLOTS).read_text(encoding="utf-8").splitlines()]
    common = Counter(span["label"] for row in table for span in row["spans"])
    names = [name for name, _ in common.most_common(SLOT_CLASSES)]
    rows_all = rows.examples(
        [row["text"] for row in table], [_slot_answer(r, names) for r in table]
    )
    templates = np.array([row["template"] for row in table])
    counts: Counts = {}
    for seed in seeds:
        draws = np.random.default_rng(seed)
        order = draws.permutation(np.unique(templates))
        hidden = np.isin(templates, order[: round(UNSEEN_TEMPLATES * len(order))])
        held = ~hidden & (draws.random(len(table)) < HELD_OUT)
        train = [rows_all[i] for i in np.flatnonzero(~hidden & ~held).tolist()]
        one = ComposedTrainer().train(train, Recipe(TARGET, None, time.time(), seed))
        gate = calibrated(one, _exactly, TARGET)
        for what, chosen in (("known wording", held), ("new wording", hidden)):
            test = [rows_all[i] for i in np.flatnonzero(chosen).tolist()]
            opinions = one.specialist.opine([row.query for row in test])
            pairs = [(r, o) for r, o in zip(test, opinions, strict=True) if o is not None]
            for guard, least in (("", gate.least_similarity), ("no guard, ", 0.0)):
                open_gate = Gate(gate.thresholds, least)
                sure = [(row, o) for row, o in pairs if open_gate.serves(o)]
                good = sum(_exactly(finished(o, row), row) for row, o in sure)
                _add(counts, f"served, {guard}{what}", len(sure), len(test))
                _add(counts, f"right of served, {guard}{what}", good, len(sure))
            always = sum(_exactly(o.answer, row) for row, o in pairs if not o.unsure)
            _add(counts, f"right, always answering, {what}", always, len(test))
    bars = {"right of served, new wording": Bars(0.95, 0.98)}
    return [share("slots", w, c, bars.get(w, Bars())) for w, c in sorted(counts.items())]


def _slot_answer(row: Mapping[str, Any], names: Sequence[str]) -> str:
    found: dict[str, list[str]] = {name.lower(): [] for name in names}
    for span in sorted(row["spans"], key=lambda span: span["start"]):
        if span["label"] in names:
            found[span["label"].lower()].append(row["text"][span["start"] : span["end"]])
    return json.dumps(found, ensure_ascii=False)


def _exactly(answer: str, row: Example) -> float:
    return grade(None, answer, row.answer)
