"""How a local model is asked under an adapter, on the street and in the workshop alike.

The adapter has learned the task, which is the request's constant part: the model is shown the
changing part alone, as one turn of a user.
"""

from __future__ import annotations

from math import exp

from msgspec.structs import replace

from shortstop.specialists.query import Query
from shortstop.types import Choice, Message, Request, Sampling, Text


def adapted(request: Request, query: Query, most_tokens: int) -> Request:
    """The request as the adapter has learned to read it. The same one gets the same answer: the
    likeliest. What shape the answer must have stands."""
    limit = request.sampling.max_tokens
    sampling = Sampling(
        max_tokens=most_tokens if limit is None else min(limit, most_tokens),
        temperature=0.0,
        stop=request.sampling.stop,
        logprobs=True,
    )
    return replace(
        request,
        body={},
        messages=(Message("user", (Text(query.whole),)),),
        tools=(),
        extra={},
        sampling=sampling,
    )


def confidence(choice: Choice) -> float:
    """The geometric mean of the probabilities of an answer's tokens, in [0, 1]; 0 where the engine
    did not tell them, or the answer was cut off."""
    told = choice.logprobs
    if not told or choice.finish != "stop":
        return 0.0
    return min(1.0, exp(sum(one.logprob for one in told) / len(told)))
