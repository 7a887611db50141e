"""The real thing: weights from the engine's file, trained, killed, resumed, and read as they are.

Needs the extra [adapter] and the default model.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from shortstop import registry
from shortstop.flywheel.adapter.child import TrainingProcess, missing
from shortstop.flywheel.adapter.gguf_file import Heads
from shortstop.flywheel.adapter.messages import AdapterJob, StepDone, TaughtAnswer
from shortstop.flywheel.adapter.packing import NOTHING, packed
from shortstop.flywheel.adapter.train import rate_at
from shortstop.flywheel.trainer import NotLearned

needs_extra = pytest.mark.skipif(bool(missing()), reason="needs the extra [adapter]")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # PEFT asks transformers the old way
]
ANSWERS = ["Blue.", "Forty-two and a half.", "Nobody knows yet, says the ministry."]
PAIRS = [TaughtAnswer(f"What is code {i}?", ANSWERS[i % 3]) for i in range(6)]


@pytest.fixture(scope="session")
def file() -> Path:
    """The installed default model; `make test` fetches it."""
    found = registry.open(registry.home(None, os.environ)).find("builtin")
    if found is None:
        pytest.skip("the default model is not installed: run `make model`")
    return found.path


def job(file: Path, folder: Path, **more: Any) -> AdapterJob:
    made = AdapterJob(str(file), str(folder), PAIRS, 600.0, rows=2, length=64, checkpoint=0.0)
    return replace(made, **more)


@pytest.fixture(scope="session")
def model(file: Path) -> Any:
    if missing():
        pytest.skip("needs the extra [adapter]")
    from shortstop.flywheel.adapter.lora_model import LoraModel

    return LoraModel(job(file, Path()))


@needs_extra
def test_packed_examples_lose_what_they_lose_alone(model: Any) -> None:
    """Nobody sees a neighbour: else what is learned depends on who stands beside it."""
    examples = [model.tokens(pair) for pair in PAIRS[:3]]
    together = float(model.loss(packed(examples, 256).row(0)).detach())
    alone = [float(model.loss(packed([one], one.size).row(0)).detach()) for one in examples]
    assert together == pytest.approx(sum(alone), rel=1e-3)
    assert max(alone) > 1.5 * min(alone), "or the sum says little"


@needs_extra
def test_an_example_ends_its_turn_and_the_prompt_is_the_engines_template(model: Any) -> None:
    told = model.tokens(TaughtAnswer("Hello?", "Hi."))
    text = model._tokenizer.decode([*told.prompt, *told.answer])
    assert text.endswith("<|im_start|>user\nHello?<|im_end|>\n<|im_start|>assistant\nHi.<|im_end|>")
    assert model.holds_control(TaughtAnswer("a <|im_end|> b", "x"))
    assert not model.holds_control(TaughtAnswer("a < im_end > b", "x"))


@needs_extra
def test_a_new_adapter_changes_nothing_and_one_that_was_kept_is_the_same_again(model: Any) -> None:
    fresh = model.state()
    assert model.heads == Heads(9, 3)
    assert not any(weight.any() for name, weight in fresh.items() if "lora_B" in name)
    plain = model.scored(PAIRS[:1])
    draws = np.random.default_rng(0)
    other = {name: draws.normal(0, 0.02, w.shape).astype(np.float32) for name, w in fresh.items()}
    model.load(other)
    assert all(np.allclose(model.state()[name], weight) for name, weight in other.items())
    assert model.scored(PAIRS[:1]).logprobs[0] != pytest.approx(plain.logprobs[0], abs=1e-3)
    model.load(fresh)
    assert model.scored(PAIRS[:1]).logprobs[0] == pytest.approx(plain.logprobs[0], abs=1e-4)


@needs_extra
def test_an_answer_is_scored_by_its_own_tokens(model: Any) -> None:
    """By hand, from the loss: the end of the turn is none of them."""
    told = model.tokens(PAIRS[0])
    short = told._replace(answer=told.answer[:-1])
    loss = float(model.loss(packed([short], short.size).row(0)).detach())
    scored = model.scored(PAIRS[:1])
    assert scored.logprobs[0] == pytest.approx(-loss / len(short.answer), rel=1e-3)
    assert 0.0 <= scored.agreed[0] <= 1.0
    labels = packed([short], short.size).label
    assert (labels != NOTHING).sum() == len(short.answer)


@needs_extra
def test_what_was_killed_goes_on_where_it_was_and_learns(file: Path, tmp_path: Path) -> None:
    steps: list[StepDone] = []
    first = TrainingProcess(job(file, tmp_path), steps.append)

    def killed(step: StepDone) -> None:
        steps.append(step)
        if step.step == 3:
            os.kill(first._child.pid, signal.SIGKILL)

    first._onlooker = killed
    with pytest.raises(KeyboardInterrupt):
        interrupted(first)
    before = len(steps)
    with TrainingProcess(job(file, tmp_path), steps.append) as second:
        trained = second.train()
        assert trained.resumed >= 2
        assert steps[before].step == trained.resumed + 1
        assert trained.steps == steps[-1].steps == 9
        assert trained.loss < 0.7 * steps[0].loss
        assert (trained.rows, trained.tokens > 0) == (6, True)
        assert Path(trained.file).read_bytes()[:4] == b"GGUF"
        assert second.score(PAIRS).logprobs[0] > -3.0


def interrupted(process: TrainingProcess) -> None:
    """The night ends with its process."""
    with process as running:
        try:
            running.train()
        except NotLearned:
            raise KeyboardInterrupt from None


@needs_extra
def test_a_file_that_is_no_model_is_a_refusal_in_words(tmp_path: Path) -> None:
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"GGUF and then nothing")
    process = TrainingProcess(job(bad, tmp_path / "work"))
    with pytest.raises(NotLearned, match="Training an adapter failed"), process as running:
        running.train()


def test_the_rate_rises_and_falls_to_nothing() -> None:
    assert 0 < rate_at(0.0) < rate_at(0.02) < rate_at(0.05) == 1.0
    assert rate_at(0.5) > rate_at(0.9) > rate_at(1.0) == pytest.approx(0.0)
