"""What is known of an adapter without running it: which requests it may be asked.

It answers nothing itself: whoever serves its opinions asks the local model under this adapter, and
looks at how likely the model found what it wrote before anybody reads it.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from shortstop.specialists.novelty import Wordings, masked
from shortstop.specialists.opinion import Opinion
from shortstop.specialists.query import Query


class AdapterSpecialist:
    """`base` is the SHA-256 of the model file that the adapter belongs to. `longest` is the number
    of characters of the longest request that it learned from, `most_tokens` that of tokens of the
    longest answer that it may give."""

    def __init__(self, base: str, wordings: Wordings, longest: int, most_tokens: int) -> None:
        self.base = base
        self.wordings = wordings
        self.longest = longest
        self.most_tokens = most_tokens

    def opine(self, queries: Sequence[Query]) -> list[Opinion | None]:
        """An opinion without an answer. Its confidence is 1 until the answer is written."""
        return [self._judge(query) for query in queries]

    def _judge(self, query: Query) -> Opinion | None:
        text = query.whole
        if not text.strip() or query.must_call or len(text) > self.longest:
            return None
        similarity = self.wordings.similarity(wording(text))
        return Opinion("", 1.0, similarity, writes=self.most_tokens)


def wording(text: str) -> str:
    """A request's wording: digits are no difference."""
    return masked(text, ())


def told(opinion: Opinion, answer: str, confidence: float) -> Opinion:
    """The opinion with what the model wrote."""
    return replace(opinion, answer=answer, confidence=confidence, writes=0)
