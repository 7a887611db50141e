"""The process that trains: `python -m shortstop.flywheel.adapter.train`, a job as JSON on stdin.

Trains until it is through or its time is up, writes the adapter, then scores what it is asked, a
line each, and ends when stdin does. Ended in the middle, it goes on at the last checkpoint. It ends
with whoever started it, at the next step at the latest: stdin ends then.
"""

from __future__ import annotations

import errno
import io
import math
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from shortstop.flywheel.adapter.gguf_file import write_adapter
from shortstop.flywheel.adapter.messages import (
    AdapterJob,
    Failed,
    Scoring,
    StepDone,
    Told,
    Trained,
)
from shortstop.flywheel.adapter.packing import NOTHING, Tokens, batches, packed
from shortstop.private_files import UMASK, replace_file
from shortstop.specialists.adapter.files import WEIGHTS

CHECKPOINT = "checkpoint.npz"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
WARM_UP = 0.05
"""Share of the training in which the rate rises."""
CLIP = 1.0
CUDA_LENGTH = 8192
"""Tokens of a packed row where memory is plenty; elsewhere rows are as long as examples may be."""


class Stand(NamedTuple):
    """Where a training stands: `spent` seconds, `tokens` read, and the loss of its last step."""

    step: int = 0
    spent: float = 0.0
    tokens: int = 0
    loss: float = 0.0


def main() -> None:
    os.umask(UMASK)
    say, lines = _Mouth(), _heard()
    job = msgspec.json.decode(next(lines), type=AdapterJob)
    try:
        from shortstop.flywheel.adapter.lora_model import LoraModel

        model = LoraModel(job)
        say(Training(job, model).run(say))
        for line in lines:
            say(model.scored(msgspec.json.decode(line, type=Scoring).pairs))
    except ImportError as error:
        say(Failed(f"The extra [adapter] is not installed: {error}."))
    except Exception as error:  # libraries raise whatever they like at a damaged file
        number = getattr(error, "errno", None)
        full = number if number in FULL else 0
        say(Failed(f"{type(error).__name__}: {str(error)[:300]}", full or 0))
    os._exit(1)  # an ordinary end would wait for the thread that listens


class _Mouth:
    """The one way to say something; whatever a library prints goes to stderr."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)

    def __call__(self, told: Told) -> None:
        self._out.write(msgspec.json.encode(told) + b"\n")
        self._out.flush()


def _heard() -> Iterator[bytes]:
    """Lines of stdin. At its end nobody waits for this process any more."""
    heard: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def listen() -> None:
        for line in sys.stdin.buffer:
            heard.put(line)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        yield heard.get()


class Training:
    """One job with its model."""

    def __init__(self, job: AdapterJob, model: Any) -> None:
        import torch

        self._job = job
        self._model = model
        self._folder = Path(job.folder)
        self._examples = [
            told
            for pair in job.pairs
            if not model.holds_control(pair) and (told := model.tokens(pair)).size <= job.length
        ]
        if not self._examples:
            raise ValueError(f"no example has at most {job.length} tokens")
        self._per_epoch = math.ceil(len(self._examples) / job.rows)
        self.steps = max(1, round(self._per_epoch * job.epochs))
        self._optimizer = torch.optim.AdamW(model.weights, lr=job.rate, weight_decay=0.0)

    def run(self, say: Any) -> Trained:
        """Raises OSError."""
        state = self._resumed()
        resumed, began, saved = state.step, time.monotonic() - state.spent, time.monotonic()
        while state.step < self.steps and state.spent < self._job.seconds:
            state = self._stepped(state, began)
            say(StepDone(state.step, self.steps, state.loss))
            if time.monotonic() - saved > self._job.checkpoint:
                self._save(state)
                saved = time.monotonic()
        self._save(state)
        file = self._folder / WEIGHTS
        draft = file.with_suffix(".draft")
        write_adapter(draft, self._model.state(), self._model.heads, self._model.alpha)
        draft.replace(file)
        return Trained(
            str(file), state.step, state.loss, state.tokens, state.spent, self._model.device_name,
            len(self._examples), max(len(one.answer) for one in self._examples), resumed,
        )  # fmt: skip

    def _stepped(self, state: Stand, began: float) -> Stand:
        """One step over its batch, row by row."""
        import torch

        done = max(state.step / self.steps, min(1.0, state.spent / self._job.seconds))
        for group in self._optimizer.param_groups:
            group["lr"] = self._job.rate * rate_at(done)
        examples = self._batch(state.step)
        rows = packed(examples, self._row_length())
        labels = int((rows.label != NOTHING).sum())
        total = 0.0
        for number in range(len(rows.token)):
            loss = self._model.loss(rows.row(number)) / labels
            loss.backward()
            total += float(loss.detach())
        torch.nn.utils.clip_grad_norm_(self._model.weights, CLIP)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        tokens = state.tokens + sum(one.size for one in examples)
        return Stand(state.step + 1, time.monotonic() - began, tokens, total)

    def _row_length(self) -> int:
        cuda = self._model.device.type == "cuda"
        return max(self._job.length, CUDA_LENGTH) if cuda else self._job.length

    def _batch(self, step: int) -> list[Tokens]:
        epoch, place = divmod(step, self._per_epoch)
        numbers = batches(len(self._examples), self._job.rows, self._job.seed, epoch)[place]
        return [self._examples[number] for number in numbers.tolist()]

    # ------------------------------------------------------------ checkpoints

    def _save(self, state: Stand) -> None:
        """Weights and the optimizer's two moments, in one file that is replaced whole."""
        arrays = {f"w/{name}": weight for name, weight in self._model.state().items()}
        for number, weight in enumerate(self._model.weights):
            kept = self._optimizer.state.get(weight) or {}
            for moment in ("exp_avg", "exp_avg_sq"):
                if moment in kept:
                    arrays[f"{moment}/{number}"] = kept[moment].float().cpu().numpy()
        arrays["state"] = np.array(state, np.float64)
        out = io.BytesIO()
        np.savez(out, allow_pickle=False, **arrays)
        replace_file(self._folder / CHECKPOINT, out.getvalue())

    def _resumed(self) -> Stand:
        """Where an earlier process was ended; from the beginning where there was none, or what it
        left cannot be read."""
        import torch

        try:
            with np.load(self._folder / CHECKPOINT, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            state = arrays.pop("state").tolist()
        except (OSError, ValueError, KeyError, EOFError):
            return Stand()
        weights = {name[2:]: array for name, array in arrays.items() if name.startswith("w/")}
        self._model.load(weights)
        for number, weight in enumerate(self._model.weights):
            moments = {
                moment: torch.from_numpy(arrays[f"{moment}/{number}"]).to(weight.device)
                for moment in ("exp_avg", "exp_avg_sq")
                if f"{moment}/{number}" in arrays
            }
            if moments:
                step = torch.tensor(float(state[0]))
                self._optimizer.state[weight] = {"step": step, **moments}
        return Stand(int(state[0]), state[1], int(state[2]), state[3])


def rate_at(done: float) -> float:
    """The share of the rate after this share of the training: up in a line, down in a cosine."""
    if done < WARM_UP:
        return max(done, 0.01) / WARM_UP
    return 0.5 * (1.0 + math.cos(math.pi * (done - WARM_UP) / (1.0 - WARM_UP)))


if __name__ == "__main__":
    main()
