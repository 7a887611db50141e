"""Files are known by their columns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bench.company.sources import Source, kind_of, plain_text, read

from tests.bench.company.parts import everything, labels, written


def test_every_kind_is_known_and_the_strange_one_named(tmp_path: Path) -> None:
    sources, unknown = read(written(tmp_path))
    assert {one.kind for one in sources} == {
        "label", "extract", "faq", "tools", "bank", "summary", "hard", "assistant",
    }  # fmt: skip
    assert unknown == ["strange.jsonl"]


def test_each_bot_is_a_source_of_its_own(sources: list[Source]) -> None:
    assert {s.name for s in sources if s.kind == "faq"} == {
        "some_questions-one",
        "some_questions-two",
    }


def test_names_decide_nothing(tmp_path: Path) -> None:
    for number, rows in enumerate(everything().values()):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / f"{number}.jsonl").write_text(lines, encoding="utf-8")
    sources, unknown = read(tmp_path)
    assert len(sources) == 9
    assert len(unknown) == 1


def test_parquet_is_read_too(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(arrow.Table.from_pylist(labels()), tmp_path / "t.parquet")
    (source,), _ = read(tmp_path)
    assert len(source.items) == 160


def test_the_split_column_decides_what_is_late(sources: list[Source]) -> None:
    source = next(s for s in sources if s.kind == "label")
    assert sum(item.late for item in source.items) == 40


def test_without_one_the_id_decides(sources: list[Source]) -> None:
    late = [item.late for s in sources if s.kind == "extract" for item in s.items]
    assert 0 < sum(late) < len(late)


def test_a_text_of_both_parts_stays_in_the_early_one(tmp_path: Path) -> None:
    rows = [
        {"id": "1", "text": "Hello, there!", "label": "a", "split": "test"},
        {"id": "2", "text": "hello there", "label": "a", "split": "train"},
    ]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    (source,), _ = read(tmp_path)
    assert [(i.id, i.late) for i in source.items] == [("2", False)]


def test_the_vendor_is_the_field_whose_words_come_back(sources: list[Source]) -> None:
    source = next(s for s in sources if s.kind == "extract")
    assert len({item.key for item in source.items}) == 8
    assert all(item.key.startswith("shop") for item in source.items)


def test_questions_without_an_answer_have_no_gold(sources: list[Source]) -> None:
    items = [i for s in sources if s.kind == "faq" for i in s.items]
    assert all((i.gold is None) != i.in_scope for i in items)


def test_a_row_of_other_columns_is_of_no_kind() -> None:
    assert kind_of({"id": 1, "colour": "red"}) is None


def test_plain_text() -> None:
    assert plain_text(" Où est-ce?\n") == "où est ce"
