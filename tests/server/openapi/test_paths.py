"""What a generator of clients needs of the document."""

from __future__ import annotations

import json
import re

from shortstop.server.openapi import document
from tests.server.test_openapi import operations


def test_a_client_can_be_generated() -> None:
    """Every operation has a name of its own, a known tag and a summary; every reference exists."""
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z][a-zA-Z]+", name) for name in names)
    tags = {tag["name"] for tag in document()["tags"]}
    for _, _, operation in operations():
        assert set(operation["tags"]) <= tags
        assert operation["summary"][0].isupper()
        assert not operation["summary"].endswith(".")
    text = json.dumps(document())
    for kind, name in set(re.findall(r'"#/components/(\w+)/([^"]+)"', text)):
        assert name in document()["components"][kind]
