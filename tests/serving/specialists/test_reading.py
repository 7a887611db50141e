"""The specialists' process answers every question, whatever is wrong with a specialist."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from shortstop.errors import StoreError
from shortstop.serving.specialists.frames import (
    LENGTH_BYTES,
    Question,
    Told,
    framed,
    length,
    questions,
    told,
)
from shortstop.serving.specialists.reading import (
    MOST_OPEN,
    REFUSED_SECONDS,
    OpenSpecialists,
    opener,
)
from shortstop.specialists.artefact import Lineage, Manifest, write
from shortstop.specialists.opinion import Gate, Opinion, Specialist
from shortstop.specialists.query import Query


class Echo:
    """Says what was asked; is silent about nothing, and fails at `boom`."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def opine(self, queries: Sequence[Query]) -> list[Opinion | None]:
        self.sizes.append(len(queries))
        if any(query.text == "boom" for query in queries):
            raise RuntimeError("boom")
        return [Opinion(query.whole, 1.0) if query.text else None for query in queries]


def reader_of(found: dict[str, Specialist]) -> OpenSpecialists:
    def open_one(folder: Path) -> Specialist:
        if folder.name not in found:
            raise StoreError(f"there is no {folder.name}")
        return found[folder.name]

    return OpenSpecialists(Path("/specialists"), open_one)


def answers(reader: OpenSpecialists, *asked: Question) -> dict[int, Told]:
    return {one.number: one for one in reader.answer(list(asked))}


def test_every_question_is_answered_and_those_to_one_specialist_together() -> None:
    one, two = Echo(), Echo()
    found = answers(
        reader_of({"a": one, "b": two}),
        Question(1, "a", Query("x", "before")),
        Question(2, "b", Query("y")),
        Question(3, "a", Query("")),
    )
    assert found[1].opinion == Opinion("before\nx", 1.0)
    assert found[2].opinion == Opinion("y", 1.0)
    assert (found[3].opinion, found[3].error) == (None, None)
    assert (one.sizes, two.sizes) == ([2], [1])


def test_one_that_is_missing_or_fails_harms_no_other() -> None:
    found = answers(
        reader_of({"a": Echo(), "b": Echo()}),
        Question(1, "gone", Query("x")),
        Question(2, "b", Query("boom")),
        Question(3, "a", Query("x")),
    )
    assert found[1].error == "there is no gone"
    assert found[2].error == "it failed"
    assert found[3].opinion == Opinion("x", 1.0)


def test_a_name_cannot_lead_out_of_the_folder() -> None:
    found = answers(reader_of({"passwd": Echo()}), Question(1, "../../etc/passwd", Query("x")))
    assert found[1].opinion == Opinion("x", 1.0), "only its last part counts"


def test_only_so_many_are_kept_open() -> None:
    opened: list[str] = []

    def open_one(folder: Path) -> Specialist:
        opened.append(folder.name)
        return Echo()

    reader = OpenSpecialists(Path("/specialists"), open_one)
    for number in range(MOST_OPEN + 1):
        reader.answer([Question(number, f"s{number}", Query("x"))])
    reader.answer([Question(0, f"s{MOST_OPEN}", Query("x"))])
    assert len(opened) == MOST_OPEN + 1
    reader.answer([Question(0, "s0", Query("x"))])
    assert opened[-1] == "s0", "it was asked longest ago"


def test_frames_travel_and_the_end_is_the_end() -> None:
    asked = [Question(1, "a", Query("x", "y")), Question(2, "b", Query("z"))]
    stream = io.BytesIO(framed(asked) + framed(asked[:1]))
    assert questions(stream) == asked
    assert questions(stream) == asked[:1]
    assert questions(stream) is None
    said = [Told(1, Opinion("x", 0.5, 0.4, "new")), Told(2, None, "no")]
    data = framed(said)
    assert length(data[:LENGTH_BYTES]) == len(data) - LENGTH_BYTES
    assert told(data[LENGTH_BYTES:]) == said


def test_what_cannot_be_opened_is_not_read_again_at_once() -> None:
    tried: list[str] = []
    now = [100.0]

    def open_one(folder: Path) -> Specialist:
        tried.append(folder.name)
        raise StoreError("It is damaged.", hint="Retire it.")

    reader = OpenSpecialists(Path("/specialists"), open_one, lambda: now[0])
    for _ in range(3):
        assert answers(reader, Question(1, "a", Query("x")))[1].error == "It is damaged. Retire it."
    assert tried == ["a"]
    now[0] += REFUSED_SECONDS
    answers(reader, Question(1, "a", Query("x")))
    assert tried == ["a", "a"]


def test_served_over_pipes() -> None:
    sink = io.BytesIO()
    reader_of({"a": Echo()}).serve(io.BytesIO(framed([Question(7, "a", Query("x"))])), sink)
    assert told(sink.getvalue()[LENGTH_BYTES:]) == [Told(7, Opinion("x", 1.0))]


def test_a_folder_that_is_not_what_was_promoted_is_not_opened(tmp_path: Path) -> None:
    manifest = Manifest("echo", "acme", "mail", Gate({}), Lineage("d", 1, (), 0.0))
    folder = write(tmp_path, manifest, {"x": b"1"})
    loaded: list[str] = []

    def load(kind: str, files: dict[str, bytes]) -> Specialist:
        loaded.append(kind)
        return Echo()

    reader = OpenSpecialists(tmp_path, opener(load))
    assert answers(reader, Question(1, folder.name, Query("x")))[1].error is None
    (folder / "x").write_bytes(b"2")
    fresh = OpenSpecialists(tmp_path, opener(load))
    error = answers(fresh, Question(1, folder.name, Query("x")))[1].error
    assert error is not None
    assert "not what was promoted" in error
    assert loaded == ["echo"]
