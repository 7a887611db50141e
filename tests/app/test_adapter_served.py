"""The engine serves the adapter that was trained, and each mistake on the way there shows.

With the real model, the real engine and PyTorch; the adapter's weights are drawn, so that every
answer changes. Needs the extra [adapter] and the default model.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from math import exp
from pathlib import Path
from statistics import fmean
from typing import Any, cast

import numpy as np
import pytest

from shortstop import registry
from shortstop.app.adapted_engine import (
    AdaptedEngine,
    AdapterModel,
    backend_under,
    engine_under,
    started,
)
from shortstop.app.engines import Engine
from shortstop.config import EngineConfig, ModelConfig
from shortstop.flywheel.adapter import gguf_file
from shortstop.flywheel.adapter.child import missing
from shortstop.flywheel.adapter.messages import AdapterJob, TaughtAnswer
from shortstop.flywheel.adapter.parity import Parity, parity
from shortstop.registry import ModelRecord
from shortstop.serving.engines.embedded import EmbeddedServer
from shortstop.specialists.adapter.asking import adapted
from shortstop.specialists.query import Query
from shortstop.types import Message, Request, Text

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # PEFT asks transformers the old way
    pytest.mark.skipif(bool(missing()), reason="needs the extra [adapter]"),
]
TEXTS = (
    "Name three colours.",
    "What is the capital of France?",
    "Write a sentence about rain.",
    "Sum up: the meeting moved from Monday to Friday because the room was taken.",
)
STRENGTH = 0.03
"""Deviation of the drawn weights: answers change, and stay far from nonsense."""


@pytest.fixture(scope="module")
def record() -> ModelRecord:
    found = registry.open(registry.home(None, os.environ)).find("builtin")
    if found is None:
        pytest.skip("the default model is not installed: run `make model`")
    return found


@pytest.fixture(scope="module")
def model(record: ModelRecord) -> Any:
    from shortstop.flywheel.adapter.lora_model import LoraModel

    made = LoraModel(AdapterJob(str(record.path), "", [], 1.0))
    draws = np.random.default_rng(0)
    state = made.state()
    made.load({n: draws.normal(0, STRENGTH, w.shape).astype(np.float32) for n, w in state.items()})
    return made


def drawn(model: Any, seed: int, folder: Path) -> Path:
    """An adapter of its own weights, as a file."""
    draws = np.random.default_rng(seed)
    file = folder / f"{seed}.gguf"
    state = {name: draws.normal(0, STRENGTH, w.shape) for name, w in model.state().items()}
    gguf_file.write_adapter(file, state, model.heads, model.alpha)
    return file


def untuned(paths: tuple[str, ...]) -> Engine:
    """Nothing about this machine is measured first."""
    models = registry.open(registry.home(None, os.environ))
    config = ModelConfig(source="builtin")
    engine = engine_under("small", config, models, EngineConfig(), None, paths)
    options = cast(EmbeddedServer, engine.server).options
    engine.server = EmbeddedServer(engine.file or Path(), options)
    return engine


async def served(model: Any, state: Mapping[str, Any], folder: Path) -> Parity:
    """An engine with these weights answers, and the trained `model` reads what it wrote."""
    file = folder / "adapter.gguf"
    gguf_file.write_adapter(file, state, model.heads, model.alpha)
    engine = await started(untuned((str(file),)))
    try:
        backend = backend_under(engine, 0)
        choices = [(await backend.answer(asked(text))).choices[0] for text in TEXTS]
    finally:
        await engine.close()
    told = [exp(fmean(one.logprob for one in choice.logprobs)) for choice in choices]
    pairs = [TaughtAnswer(text, c.text) for text, c in zip(TEXTS, choices, strict=True)]
    return parity(told, model.scored(pairs))


def asked(text: str) -> Request:
    request = Request("r", "openai.chat", {}, "small", (Message("user", (Text(text),)),))
    return adapted(request, Query(text), 40)


async def test_engines_change_beside_requests_and_no_adapter_reads_anothers_prompts(
    model: Any, tmp_path: Path
) -> None:
    """The same prompts in turn, under one adapter and the other: each answers as it did alone."""
    files = {"a": drawn(model, 1, tmp_path), "b": drawn(model, 2, tmp_path)}
    adapted_engine = AdaptedEngine(untuned)

    async def answers(name: str) -> list[str]:
        backend = AdapterModel(name, lambda: [adapted_engine])
        return [(await backend.answer(asked(text))).text for text in TEXTS]

    try:
        await adapted_engine.serve({"a": files["a"]})
        alone = await answers("a")
        under_way = asyncio.create_task(answers("a"))
        await adapted_engine.serve(files)
        assert await under_way == alone, "whoever had begun was answered to the end"
        other = await answers("b")
        assert other != alone
        for _ in range(2):
            assert [await answers("a"), await answers("b")] == [alone, other]
    finally:
        await adapted_engine.close()


async def test_what_is_served_is_what_was_trained(model: Any, tmp_path: Path) -> None:
    found = await served(model, model.state(), tmp_path)
    assert found.holds, str(found)


async def test_an_adapter_that_was_not_applied_is_found_out(model: Any, tmp_path: Path) -> None:
    """One of zeros is served in its place."""
    nothing = {name: np.zeros_like(weight) for name, weight in model.state().items()}
    found = await served(model, nothing, tmp_path)
    assert not found.holds, str(found)
