"""A call with the client that was made from the document: `python use_generated.py URL`."""

from __future__ import annotations

import sys

from generated_client import Client
from generated_client.api.chat import create_chat_completion
from generated_client.api.models import list_models
from generated_client.models import ChatRequest

client = Client(base_url=sys.argv[1], raise_on_unexpected_status=True)
request = ChatRequest.from_dict(
    {"model": "big", "messages": [{"role": "user", "content": "!say hi"}]}
)
reply = create_chat_completion.sync(client=client, body=request).to_dict()
assert reply["choices"][0]["message"]["content"] == "hi", reply
listed = list_models.sync(client=client).to_dict()
assert "auto" in [model["id"] for model in listed["data"]], listed
