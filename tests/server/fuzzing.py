"""schemathesis against a running gateway; also its hooks, for it imports this file by name."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MEANING = "positive_data_acceptance"
"""Left out: a body of the right shape may still ask for what no target offers, or reuse a key."""


async def fuzz(url: str, examples: int, seed: int) -> tuple[bool, str]:
    """Whether the gateway kept its document's promises, and what schemathesis says."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{url}/openapi.json",
        "--phases=examples,coverage,fuzzing",
        f"--exclude-checks={MEANING}",
        f"--max-examples={examples}",
        f"--seed={seed}",
        "--generation-database=none",
        "--continue-on-failure",
        "--no-color",
    ]
    env = {**os.environ, "SCHEMATHESIS_HOOKS": "fuzzing", "PYTHONPATH": str(HERE)}
    with tempfile.TemporaryDirectory() as folder:  # it keeps a cache where it stands
        running = await asyncio.create_subprocess_exec(
            *command,
            env=env,
            cwd=folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said = (await running.communicate())[0].decode("utf-8", "replace")
    return running.returncode == 0, said


def cases_in(said: str) -> int:
    found = re.search(r"(\d+) generated", said)
    return int(found[1]) if found else 0


def _name_a_model(context: Any, body: Any) -> Any:
    """Most requests are for a model that exists, else all answers were 404."""
    if isinstance(body, dict) and isinstance(body.get("model"), str) and len(body["model"]) > 1:
        body["model"] = "auto" if len(body["model"]) % 2 else "big"
    return body


def _leave_out_the_key(context: Any, headers: Any) -> Any:
    """The same idempotency key for two bodies is refused, rightly."""
    return {k: v for k, v in (headers or {}).items() if k != "idempotency-key"}


if os.environ.get("SCHEMATHESIS_HOOKS") == __name__:
    import schemathesis

    schemathesis.hook("map_body")(_name_a_model)
    schemathesis.hook("map_headers")(_leave_out_the_key)
