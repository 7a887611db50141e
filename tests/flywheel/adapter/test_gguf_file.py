"""The engine's file: each tensor in its place, queries and keys in the engine's order of rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shortstop.errors import ModelFileError
from shortstop.flywheel.adapter.gguf_file import Heads, reordered, tensors, write_adapter
from shortstop.registry import read_info
from shortstop.registry.gguf import read_metadata

HEADS = Heads(queries=4, keys=2)
WIDTH, RANK = 6, 2
BASE = "base_model.model.model.layers"


def trained() -> dict[str, np.ndarray]:
    draws = np.random.default_rng(0)
    out = {}
    for name, rows in [("q", 4 * WIDTH), ("k", 2 * WIDTH), ("v", 2 * WIDTH), ("o", 4 * WIDTH)]:
        at = f"{BASE}.0.self_attn.{name}_proj"
        out[f"{at}.lora_A.weight"] = draws.normal(size=(RANK, 4 * WIDTH))
        out[f"{at}.lora_B.default.weight"] = draws.normal(size=(rows, RANK))
    return out


def halves_turned(vector: np.ndarray, heads: int, angle: float) -> np.ndarray:
    """As Hugging Face turns a query: the first half of a head with the second."""
    first, second = np.split(vector.reshape(heads, WIDTH), 2, axis=1)
    turned = (first + 1j * second) * np.exp(1j * angle * np.arange(1, WIDTH // 2 + 1))
    return np.concatenate([turned.real, turned.imag], axis=1).ravel()


def neighbours_turned(vector: np.ndarray, heads: int, angle: float) -> np.ndarray:
    """As llama.cpp does: each number with its neighbour."""
    pairs = vector.reshape(heads, WIDTH // 2, 2)
    turned = (pairs[..., 0] + 1j * pairs[..., 1]) * np.exp(
        1j * angle * np.arange(1, WIDTH // 2 + 1)
    )
    return np.stack([turned.real, turned.imag], axis=-1).ravel()


def test_a_query_and_a_key_meet_at_the_same_angle_in_both_orders() -> None:
    """What attention looks at: the product of a turned query with a turned key."""
    draws = np.random.default_rng(1)
    hidden, other = draws.normal(size=(2, 4 * WIDTH))
    asks, asked = draws.normal(size=(2, 4 * WIDTH, 4 * WIDTH))
    here = halves_turned(asks @ hidden, 4, 0.3) @ halves_turned(asked @ other, 4, 1.1)
    q, k = reordered(asks, 4), reordered(asked, 4)
    there = neighbours_turned(q @ hidden, 4, 0.3) @ neighbours_turned(k @ other, 4, 1.1)
    assert there == pytest.approx(here)
    wrong = neighbours_turned(asks @ hidden, 4, 0.3) @ neighbours_turned(asked @ other, 4, 1.1)
    assert wrong != pytest.approx(here, rel=0.01), "the order must matter, or this shows nothing"


def test_only_the_rows_of_queries_and_keys_are_put_into_another_order() -> None:
    arrays = trained()
    placed = tensors(arrays, HEADS)
    for name, kind, heads in [("q", "attn_q", 4), ("k", "attn_k", 2)]:
        b = arrays[f"{BASE}.0.self_attn.{name}_proj.lora_B.default.weight"]
        assert np.array_equal(placed[f"blk.0.{kind}.weight.lora_b"], reordered(b, heads))
    for name, kind in [("v", "attn_v"), ("o", "attn_output")]:
        b = arrays[f"{BASE}.0.self_attn.{name}_proj.lora_B.default.weight"]
        assert np.array_equal(placed[f"blk.0.{kind}.weight.lora_b"], b)
    for name, kind in [("q", "attn_q"), ("v", "attn_v")]:
        a = arrays[f"{BASE}.0.self_attn.{name}_proj.lora_A.weight"]
        assert np.array_equal(placed[f"blk.0.{kind}.weight.lora_a"], a)


def test_a_tensor_without_a_place_is_refused() -> None:
    with pytest.raises(ValueError, match="embed_tokens"):
        tensors({"base_model.model.model.embed_tokens.lora_A.weight": np.zeros((2, 2))}, HEADS)


def test_the_file_says_what_it_is_and_is_read_by_our_own_reader(tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf", reason="needs the extra [adapter]")
    file = tmp_path / "adapter.gguf"
    write_adapter(file, trained(), HEADS, 32.0)
    told = read_metadata(file, frozenset())
    assert told["general.architecture"] == "llama"
    assert (told["general.type"], told["adapter.type"]) == ("adapter", "lora")
    assert told["adapter.lora.alpha"] == 32.0
    with pytest.raises(ModelFileError, match="'adapter' instead of a model"):
        read_info(file)
    written = {tensor.name: tensor.data for tensor in gguf.GGUFReader(file).tensors}
    wanted = tensors(trained(), HEADS)
    assert written.keys() == wanted.keys()
    assert all(np.array_equal(written[n], wanted[n].astype(np.float16)) for n in wanted)
