"""The engine's process: `python -m shortstop.serving.engines.child`, options as JSON on stdin.

Loads one GGUF into llama.cpp's own server on loopback and prints one JSON line when it is ready.
It dies with its parent: by the kernel's parent-death signal where there is one, and everywhere
because stdin ends when the parent does, however the parent died. Signals meant for the whole
process group (Ctrl-C, a service manager's SIGTERM) are left to the parent, which drains first.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from typing import Any

from shortstop.serving.engines.cpu_module import load_cpu_module
from shortstop.serving.engines.parent import die_with_parent

READY = "ready"
FAILED = 3
CPU_BATCH = 64
"""Prompt tokens between two checks whether the client is still there: 0.3 s of the default model on
one core. llama.cpp's own 2048 are 9 s, and save 3% of the work for each token."""

LAST_WORDS_SECONDS = 0.5
"""llama.cpp says why it failed from a thread of its own, which may not have run yet."""


def main() -> None:
    """Serve until stdin ends. Exits with FAILED when the model cannot be loaded."""
    for ignored in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)
    die_with_parent(signal.SIGKILL)
    output = _own_stdout()
    options = json.loads(sys.stdin.readline())
    threading.Thread(target=_watch_parent, daemon=True).start()
    os.nice(options["nice"])
    started = time.monotonic()
    try:
        server = _serve(options)
    except Exception as error:  # the library raises bare RuntimeError and worse
        time.sleep(LAST_WORDS_SECONDS)
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.stderr.flush()
        os._exit(FAILED)
    report = {
        READY: server.listening_address,
        "context": options["context"],
        "seconds": round(time.monotonic() - started, 3),
    }
    os.write(output, json.dumps(report).encode() + b"\n")
    threading.Event().wait()


def _own_stdout() -> int:
    """A descriptor for the one line; whatever a library prints to stdout goes to stderr instead."""
    output = os.dup(1)
    os.dup2(2, 1)
    return output


def _watch_parent() -> None:
    while os.read(0, 4096):
        pass
    # The server's threads would keep an ordinary exit waiting.
    os._exit(0)


def _serve(options: dict[str, Any]) -> Any:
    import xllamacpp

    if options.get("cpu"):
        load_cpu_module(xllamacpp.xllamacpp.__file__, options["cpu"])
    params = xllamacpp.CommonParams()
    params.model.path = options["path"]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [options["api_key"]]
    params.n_ctx = options["context"]
    params.n_parallel = options["slots"]
    params.cpuparams.n_threads = options["threads"]
    params.cpuparams_batch.n_threads = options["batch_threads"]
    params.n_gpu_layers = options["gpu_layers"]
    if all(device["name"] == "CPU" for device in xllamacpp.get_device_info()):
        params.n_batch = CPU_BATCH
    params.cache_ram_mib = options["cache_mib"]
    _add_adapters(params, options.get("adapters") or [])
    if not options["thinking"]:
        params.enable_reasoning = 0
    # The gateway chose the context: llama.cpp must not shrink it, nor serve pages of its own.
    params.fit_params = False
    params.ui = False
    params.endpoint_slots = False
    params.endpoint_metrics = True
    params.verbosity = 1
    return xllamacpp.Server(params)


def _add_adapters(params: Any, paths: list[str]) -> None:
    """llama.cpp finds prompts that it has put aside by their tokens alone, whatever adapter had
    read them: where there are adapters, none is put aside."""
    if not paths:
        return
    import xllamacpp

    params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(path, 0.0) for path in paths]
    params.lora_init_without_apply = True
    params.cache_ram_mib = 0


if __name__ == "__main__":
    main()
