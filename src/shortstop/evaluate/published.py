"""Figures to compare with: (APGR, CPT50, CPT80) by benchmark and router, contaminated rows dropped.

From the README of the open routing set: what RouteLLM published (routers that were never trained on
these questions; second decimals partly from memory), and "seed" rows measured there on the same
rows. NaN: not given.
"""

from __future__ import annotations

from collections.abc import Mapping

NAN = float("nan")

PUBLISHED: Mapping[str, Mapping[str, tuple[float, float, float]]] = {
    "mmlu": {
        "random": (0.500, 50.0, 80.0),
        "RouteLLM matrix factorisation": (0.597, 35.5, 71.4),
        "RouteLLM BERT": (0.572, 41.3, 72.2),
        "RouteLLM causal LLM": (0.600, 35.5, 70.3),
        "RouteLLM similarity-weighted": (0.603, 35.4, 71.6),
        "seed: TF-IDF + logistic, in-domain": (0.670, 27.0, 57.7),
        "seed: blend, in-domain": (0.690, 25.8, 55.5),
    },
    "gsm8k": {
        "random": (0.497, 50.0, 80.0),
        "RouteLLM matrix factorisation": (0.565, 38.8, 72.6),
        "RouteLLM causal LLM": (0.627, 33.6, 62.4),
        "RouteLLM similarity-weighted": (0.568, 41.2, 72.2),
        "seed: blend, in-domain": (0.638, 33.2, 61.8),
        "seed: blend + answer's surface": (0.707, 24.2, 48.4),
    },
    "mt_bench": {
        "random": (0.500, 49.0, 78.0),
        "RouteLLM matrix factorisation": (0.802, 13.4, 31.3),
        "RouteLLM causal LLM": (0.679, 31.5, 48.8),
        "seed: MiniLM + logistic, from mmlu": (0.605, NAN, NAN),
    },
}
