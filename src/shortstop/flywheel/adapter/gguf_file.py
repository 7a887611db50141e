"""A trained LoRA as the file that the engine loads.

What llama.cpp stores of a model's queries and keys has its rows in another order than what is
trained (it turns neighbouring pairs, Hugging Face halves); an adapter's must be put into that order
as well, or it changes the wrong rows and looks nearly right.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
"""What is adapted, in Hugging Face's words and in GGUF's."""
_TENSOR = re.compile(r"\.layers\.(\d+)\.(\w+\.\w+)\.lora_([AB])(?:\.\w+)?\.weight$")


class Heads(NamedTuple):
    """How many heads ask, and how many are asked."""

    queries: int
    keys: int


def tensors(trained: Mapping[str, Array], heads: Heads) -> dict[str, Array]:
    """PEFT's tensors by their names in GGUF: A of shape (rank, in), B of shape (out, rank). Raises
    ValueError for one that is not known."""
    out = {}
    for name, array in trained.items():
        found = _TENSOR.search(name)
        if found is None or found[2] not in NAMES:
            raise ValueError(f"there is no place for {name}")
        kind, side = NAMES[found[2]], found[3]
        if side == "B" and kind in ("attn_q", "attn_k"):
            array = reordered(array, heads.queries if kind == "attn_q" else heads.keys)
        out[f"blk.{found[1]}.{kind}.weight.lora_{side.lower()}"] = array
    return out


def reordered(array: Array, heads: int) -> Array:
    """Rows (heads * width, ...) from halves to neighbouring pairs."""
    rows, *rest = array.shape
    halves = array.reshape(heads, 2, rows // heads // 2, *rest)
    return halves.swapaxes(1, 2).reshape(array.shape)


def write_adapter(path: Path, trained: Mapping[str, Array], heads: Heads, alpha: float) -> None:
    """In 16 bits, the tensors in the order of their names. Raises OSError, ValueError, and
    ImportError without the extra [adapter]."""
    import gguf

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    for name, array in sorted(tensors(trained, heads).items()):
        writer.add_tensor(name, np.ascontiguousarray(array.astype(np.float16)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
