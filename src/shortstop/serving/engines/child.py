"""The engine's process: `python -m shortstop.serving.engines.child`, options as JSON on stdin.

Loads one GGUF into llama.cpp's own server on loopback and prints one JSON line when it is ready.
It dies with its parent: by the kernel's parent-death signal where there is one, and everywhere
because stdin ends when the parent does, however the parent died.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import time
from typing import Any

PR_SET_PDEATHSIG = 1
READY = "ready"


def main() -> None:
    _die_with_parent()
    options = json.loads(sys.stdin.readline())
    started = time.monotonic()
    try:
        server = _serve(options)
    except Exception as error:  # the library raises bare RuntimeError and worse
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        raise SystemExit(3) from None
    line = {READY: server.listening_address, "seconds": time.monotonic() - started}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    # The server's threads would keep an ordinary exit waiting.
    os._exit(0)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _serve(options: dict[str, Any]) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = options["path"]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [options["api_key"]]
    params.n_ctx = options["context"]
    params.n_parallel = options["slots"]
    params.cpuparams.n_threads = options["threads"]
    params.cpuparams_batch.n_threads = options["threads"]
    params.n_gpu_layers = options["gpu_layers"]
    params.cache_ram_mib = options["cache_mib"]
    params.ui = False
    params.endpoint_metrics = True
    params.verbosity = 1
    return xllamacpp.Server(params)


if __name__ == "__main__":
    main()
