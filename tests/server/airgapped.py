"""Run by test_airgap inside a namespace without a network: a gateway that answers from itself.

Prints one JSON line: what clients got, and what the gateway said when asked for more.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from tests.server.conftest import Gateway
from tests.server.scripted import ScriptedModel

CONFIG = """
[server]
port = 0
[models.small]
url = "{local}"
abilities = ["json", "logprobs", "tools"]
[privacy]
airgap = true
"""


async def status(gateway: Gateway, path: str, body: dict[str, Any]) -> int:
    async with gateway.http.post(path, json=body) as answer:
        await answer.read()
        return answer.status


async def main(home: Path) -> dict[str, Any]:
    async with ScriptedModel("small").running() as local:
        gateway = Gateway(home, local, local)
        gateway.config_file.write_text(CONFIG.format(local=local.url))
        await gateway.start()
        try:
            message = {"role": "user", "content": "!say fine, key AKIAQ3EGRXQPZ7WJ2YHT"}
            ask = {"model": "auto", "max_tokens": 9, "messages": [message]}
            return {
                "chat": await status(gateway, "/v1/chat/completions", ask),
                "stream": await status(gateway, "/v1/chat/completions", {**ask, "stream": True}),
                "claude": await status(gateway, "/v1/messages", ask),
                "vectors": await status(
                    gateway, "/v1/embeddings", {"model": "auto", "input": "hello"}
                ),
                "frontier": await status(gateway, "/v1/chat/completions", {**ask, "model": "gpt"}),
            }
        finally:
            await gateway.stop()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(Path(sys.argv[1])))))
