"""The word lists of languages are built one by one once the gateway answers: some 3 s of work that
the first request in a language would otherwise wait for, a tenth of it at most."""

from __future__ import annotations

import asyncio

from shortstop.privacy import languages, prepare_language

QUIET, PAUSE = 2.0, 0.2
"""Seconds before the first language, and between two."""


async def build_word_lists() -> None:
    """In a thread each, so that nobody waits; with pauses, so that requests come first."""
    await asyncio.sleep(QUIET)
    for code in languages():
        await asyncio.to_thread(prepare_language, code)
        await asyncio.sleep(PAUSE)
