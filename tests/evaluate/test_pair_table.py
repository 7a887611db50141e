"""Tables of graded pairs: columns, scaled grades, fixed folds; errors name row and column."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from shortstop.cli.tables import read_rows
from shortstop.errors import ConfigError, StoreError
from shortstop.evaluate.pair_table import FOLDS, pair_table
from shortstop.routing import packaged
from tests.evaluate.own import own_rows, own_table

EMBEDDER = packaged().embedder


def test_contaminated_rows_are_dropped() -> None:
    assert len(own_table().prompts) == 299


@pytest.mark.parametrize(
    ("value", "dropped"), [("true", True), ("True", True), (1, True), ("", False), (None, False)]
)
def test_contamination_is_read_from_any_format(value: object, dropped: bool) -> None:
    rows = own_rows(10)
    rows[5]["contaminated"] = value
    assert len(pair_table(rows, EMBEDDER).prompts) == 9 - dropped


def test_csv_is_as_good(tmp_path: Path) -> None:
    rows = own_rows(60)
    file = tmp_path / "own.csv"
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    data = pair_table(read_rows(file), EMBEDDER)
    assert len(data.prompts) == 59
    with pytest.raises(ConfigError):
        read_rows(tmp_path / "none.csv")


def test_a_missing_column_is_named() -> None:
    with pytest.raises(StoreError, match="score_big"):
        pair_table([{"id": 1, "bench": "b", "prompt": "p", "score_small": 1}], EMBEDDER)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"score_small": ""}, "Row 3 of the table has no 'score_small'"),
        ({"score_small": "good"}, "Row 3 .* 'good' as 'score_small'"),
        ({"score_big": "nan"}, "Row 3 .* 'nan' as 'score_big'"),
        ({"cost_big": "$1"}, "Row 3 .* 'cost_big'"),
        ({"fold": "a"}, "Row 3 .* 'fold'"),
    ],
)
def test_a_wrong_value_is_named(wrong: dict[str, object], said: str) -> None:
    rows = own_rows(5)
    rows[2] |= wrong
    with pytest.raises(StoreError, match=said):
        pair_table(rows, EMBEDDER)


@pytest.mark.parametrize("rows", [[], [own_rows(1)[0] | {"contaminated": True}]])
def test_a_table_without_usable_rows_says_so(rows: list[dict[str, object]]) -> None:
    with pytest.raises(StoreError, match="no usable rows"):
        pair_table(rows, EMBEDDER)


def test_grades_are_scaled_benchmark_by_benchmark() -> None:
    rows = own_rows(9)
    for i, row in enumerate(rows):
        row["contaminated"] = False
        if i % 3 == 0:
            row |= {"bench": "ten", "score_small": 5, "score_big": 10}
    table = pair_table(rows, EMBEDDER)
    ten = table.where("ten")
    assert table.small[ten].tolist() == [0.5] * 3
    assert table.big[ten].tolist() == [1.0] * 3
    assert table.gap[ten].tolist() == [0.5] * 3
    assert set(table.big[table.where("own")]) == {1.0}
    assert table.benches == ["ten", "own"]


def test_folds_are_drawn_from_the_prompts_where_the_table_names_none() -> None:
    table, again = own_table(), own_table()
    assert set(table.fold.tolist()) == set(range(FOLDS))
    assert table.fold.tolist() == again.fold.tolist()
    rows = [row | {"fold": str(i % 2)} for i, row in enumerate(own_rows(10))]
    assert pair_table(rows, EMBEDDER).fold.tolist() == [i % 2 for i in range(1, 10)]


def test_several_helpers_come_in_the_order_of_their_numbers() -> None:
    row = own_rows(2)[1] | {"response_other": None, "grader": "exact"}
    row |= {f"response_other_{i}": f"answer {i}" for i in (10, 2, 1)}
    table = pair_table([row], EMBEDDER)
    assert table.others == [["answer 1", "answer 2", "answer 10"]]
    assert table.graders == ["exact"]


def test_the_rows_with_errors_are_named_together() -> None:
    rows = own_rows(9)
    rows[2]["prompt"] = ""
    rows[4]["score_big"] = "good"
    rows[5]["grader"] = "luck"
    with pytest.raises(StoreError) as caught:
        pair_table(rows, EMBEDDER)
    text = str(caught.value)
    assert all(f"Row {n} of the table has" in text for n in (3, 5, 6))


def test_what_a_table_leaves_out_has_a_plain_default() -> None:
    row = {"id": 1, "bench": "b", "prompt": "p", "score_small": 0, "score_big": "1"}
    table = pair_table([row], EMBEDDER)
    assert table.domain.tolist() == ["b"]
    assert (table.answers, table.others, table.graders) == ([""], [[]], [None])
    assert (table.cost_small.tolist(), table.cost_big.tolist()) == ([0.0], [1.0])
    assert len(table.features) == 1
