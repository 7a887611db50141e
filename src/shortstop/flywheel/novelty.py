"""How like something known a request must be, found on classes that were held out whole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

NEW_SERVED = 0.05
"""Share of the requests for something new that may be answered."""
KNOWN_LOST = 0.03
"""Share of the right answers that this may cost: where what is new looks like what is known, no
floor tells them apart, and the thresholds of the confidence have to."""


def similarity_floor(known: Sequence[float], new: Sequence[float], asked: int) -> float:
    """`known` are the similarities of right answers that are sure enough, `new` those of sure
    answers to what was new, of `asked` such requests. Where nothing new could be asked, of two
    labels for instance, the floor costs as much as it may. In [0, 1]."""
    if known and not asked:
        return float(np.quantile(known, KNOWN_LOST))
    allowed = int(NEW_SERVED * asked)
    if len(new) <= allowed or not known:
        return 0.0
    wanted = np.nextafter(np.sort(new)[::-1][allowed], 2.0)
    return float(min(wanted, np.quantile(known, KNOWN_LOST)))
