"""The process that trains, as the workshop sees it: started, told what to learn, and ended."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

import msgspec
from msgspec.structs import replace

from shortstop.flywheel.adapter.messages import (
    AdapterJob,
    Failed,
    Scored,
    Scoring,
    StepDone,
    TaughtAnswer,
    Told,
    Trained,
)
from shortstop.flywheel.trainer import NotLearned
from shortstop.private_files import make_folder

COMMAND = (sys.executable, "-m", "shortstop.flywheel.adapter.train")
EXTRA = ("torch", "peft", "transformers", "gguf")
"""Packages of the extra `[adapter]`."""
GRACE = 900.0
"""Seconds beyond three times those of its training after which the process is killed: it is loaded,
waits while the engine is asked, and scores."""
KEPT = (
    "PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES", "CUDA_HOME",
)  # fmt: skip
"""What it learns of the environment: no keys."""
OFFLINE = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
_decode = msgspec.json.Decoder(Told).decode


def missing() -> list[str]:
    """The packages of the extra that are not installed."""
    return [name for name in EXTRA if find_spec(name) is None]


class TrainingProcess:
    """To be entered: starts it. What it leaves on the disk is removed when it is left with a result
    or a refusal, and stays for the next one after anything else."""

    def __init__(
        self,
        job: AdapterJob,
        onlooker: Callable[[StepDone], None] = lambda progress: None,
        command: Sequence[str] = COMMAND,
    ) -> None:
        """`job.folder` is the folder below which there will be one for this job, and no others."""
        self._root = Path(job.folder)
        self.job = replace(job, folder=str(self._root / _name(job)))
        self._onlooker = onlooker
        self._command = command

    def __enter__(self) -> TrainingProcess:
        """Raises OSError."""
        folder = Path(self.job.folder)
        for other in self._root.glob("*") if self._root.is_dir() else ():
            if other != folder:
                shutil.rmtree(other, ignore_errors=True)
        make_folder(folder)
        env = {name: os.environ[name] for name in KEPT if name in os.environ} | OFFLINE
        threads = {"OMP_NUM_THREADS": str(self.job.threads)}
        self._child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=env | threads,
        )
        self._alarm = threading.Timer(3 * self.job.seconds + GRACE, self._child.kill)
        self._alarm.daemon = True
        self._alarm.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._alarm.cancel()
        self._child.kill()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # what was to be said is said to nobody
                    continue
        self._child.wait()
        if kind is None or issubclass(kind, NotLearned):
            shutil.rmtree(self.job.folder, ignore_errors=True)

    def train(self) -> Trained:
        """Raises NotLearned; OSError where the disk does not take what was trained."""
        self._say(self.job)
        while True:
            told = self._told()
            if isinstance(told, StepDone):
                self._onlooker(told)
            elif isinstance(told, Trained):
                return told

    def score(self, pairs: Sequence[TaughtAnswer]) -> Scored:
        """By the trained model. Raises NotLearned."""
        self._say(Scoring(list(pairs)))
        told = self._told()
        assert isinstance(told, Scored)
        return told

    def _say(self, message: AdapterJob | Scoring) -> None:
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(msgspec.json.encode(message) + b"\n")
            self._child.stdin.flush()
        except OSError:
            raise self._ended() from None

    def _told(self) -> Told:
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            raise self._ended()
        told: Told = _decode(line)
        if isinstance(told, Failed) and told.errno:
            raise OSError(told.errno, os.strerror(told.errno), self.job.folder)
        if isinstance(told, Failed):
            raise NotLearned(f"Training an adapter failed. {told.why}")
        return told

    def _ended(self) -> NotLearned:
        code = self._child.wait()
        why = f"by signal {-code}" if code < 0 else f"with status {code}"
        return NotLearned(f"The process that trains adapters has ended {why}.")


def _name(job: AdapterJob) -> str:
    """Changes with anything that is learned, or how."""
    return blake2b(msgspec.json.encode(job), digest_size=8).hexdigest()
