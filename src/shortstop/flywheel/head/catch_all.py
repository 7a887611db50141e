"""Which labels say "none of these": they answer for themselves, with a threshold of their own."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from shortstop.specialists.head.label_head import LabelHead

NAMED = re.compile(
    r"(?:^|[\W_])(?:oos|ood|none|null|other|others|unknown|fallback|irrelevant|no[\W_]?(?:match|"
    r"nodes?|intent|answer)|out[\W_]?of[\W_]?(?:scope|domain)|outros?|outras?|nenhum[a]?|"
    r"desconhecid[oa]|fora[\W_]?d[eo][\W_]?escopo|n/a)(?:$|[\W_])",
    re.IGNORECASE,
)
"""Common names of such labels, in English and Portuguese."""
SPREAD = 0.6
"""A label whose rows are less alike than this share of how alike those of the median label are is
one, too, whatever its name."""


def catch_all_labels(head: LabelHead) -> LabelHead:
    """The head, its catch-all labels marked."""
    alike = np.array([_alike(head, label) for label in range(len(head.labels))])
    usual = float(np.median(alike))
    marked = {
        label
        for label, name in enumerate(head.labels)
        if NAMED.search(name) or alike[label] < SPREAD * usual
    }
    return replace(head, catch_all=frozenset(marked))


def _alike(head: LabelHead, label: int) -> float:
    """The mean cosine of a label's rows with their centre, in [-1, 1]."""
    centre = head.examples[head.owners == label].mean(axis=0)
    return float(np.linalg.norm(centre))
