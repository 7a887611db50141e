"""Runs the native Switchyard server that its Python package carries: `run_switchyard.py CONFIG`."""

import sys
import threading

from switchyard_rust.server import Server  # type: ignore[import-not-found]  # its own environment's package

server = Server(sys.argv[1])
print(server.base_url, flush=True)
threading.Event().wait()
