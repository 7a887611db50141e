"""Runs the TensorZero gateway that its Python package carries: `run_tensorzero.py CONFIG`.

Prints its base URL. No ClickHouse: it keeps no traces here.
"""

import sys
import threading

from tensorzero.tensorzero import _start_http_gateway  # type: ignore[import-not-found]  # its own environment's package

gateway = _start_http_gateway(
    config_file=sys.argv[1],
    clickhouse_url=None,
    postgres_url=None,
    valkey_url=None,
    async_setup=False,
)
print(gateway.base_url, flush=True)
threading.Event().wait()
