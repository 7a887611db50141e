"""The reference page says what the OpenAPI document says, and loads nothing from elsewhere."""

from __future__ import annotations

import re
from html import unescape

import pytest

from shortstop.console.api_page import kind_of, page
from shortstop.server.openapi import document

PAGE = page(document())


def test_every_operation_field_and_status_is_there() -> None:
    text = unescape(re.sub(r"<[^>]+>", " ", PAGE))
    for path, item in document()["paths"].items():
        for method, call in item.items():
            assert f"{method.upper()} {path}" in text
            assert f'id="{call["operationId"]}"' in PAGE
            assert all(status in text for status in call["responses"])
    feedback = document()["components"]["schemas"]["FeedbackRequest"]
    assert all(name in text for name in feedback["properties"])


def test_nothing_is_loaded_from_elsewhere_and_no_script_runs() -> None:
    assert "<script" not in PAGE
    assert "style=" not in PAGE
    assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", PAGE)


def test_a_name_in_the_document_stays_text() -> None:
    odd = {**document(), "info": {"title": "<script>alert(1)</script>"}}
    assert "<script>" not in page(odd)


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "string"}, "string"),
        ({"anyOf": [{"type": "number"}, {"type": "null"}]}, "number"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Key"}}, "array of Key"),
        ({"enum": ["a", "b"]}, "'a', 'b'"),
        ({"type": ["string", "integer"]}, "string or integer"),
        ({}, "anything"),
    ],
)
def test_kinds_in_words(schema: dict[str, object], kind: str) -> None:
    assert kind_of(schema) == kind
