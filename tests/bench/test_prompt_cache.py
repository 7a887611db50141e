"""The played cache reads what was written, and nothing else."""

from __future__ import annotations

from bench.prompt_cache import PlayedCache

from shortstop.types import Usage

LONG = "word " * 1000
MARKED = {"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}


def test_a_prefix_is_written_once_and_read_afterwards() -> None:
    cache = PlayedCache()
    body = {"system": [MARKED], "messages": [{"role": "user", "content": "a"}]}
    first, second = cache.usage(body, 5), cache.usage(body, 5)
    assert first.cache_read == 0
    assert first.cache_write == second.cache_read > 1024
    assert (second.cache_write, second.output) == (0, 5)
    other = {"system": [{**MARKED, "text": "x" + LONG}], "messages": body["messages"]}
    assert cache.usage(other, 5).cache_read == 0


def test_what_is_not_marked_or_too_short_is_never_cached() -> None:
    cache = PlayedCache()
    plain = {"system": LONG, "messages": [{"role": "user", "content": "a"}]}
    short = {"system": [{**MARKED, "text": "a"}], "messages": []}
    for body in (plain, plain, short, short):
        used = cache.usage(body, 0)
        assert used == Usage(input=used.input)
