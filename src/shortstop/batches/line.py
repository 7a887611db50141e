"""One line of a batch's input: a request with a name of its own."""

from __future__ import annotations

import codecs
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from shortstop.batches.batch import Fault

LONGEST_ID = 512
"""Characters of a `custom_id`."""
_MISSING, _PLACE = "missing required field", " - at `$."
T = TypeVar("T", bound=Struct)


class BadLine(Exception):
    """The line is no request of this batch."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class BatchLine(Struct, frozen=True):
    """`body` is the request as JSON, which nobody has read yet."""

    number: int
    custom_id: str
    model: str
    body: bytes


class _LineEnvelope(Struct, frozen=True):
    custom_id: str
    method: str
    url: str
    body: Raw


class _LineBody(Struct, frozen=True):
    """What is read of a body here; `Raw` builds nothing, however large it is."""

    model: str
    stream: Raw = Raw(b"false")


def read_line(number: int, data: bytes, endpoint: str) -> BatchLine:
    """Raises BadLine."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        message = "The file is UTF-16: save it as UTF-8."
        raise BadLine(Fault("invalid_json_line", message, None, number))
    envelope = _decoded(data.removeprefix(codecs.BOM_UTF8), _LineEnvelope, number, "")
    if not 1 <= len(envelope.custom_id) <= LONGEST_ID:
        raise BadLine(
            Fault(
                "invalid_custom_id", f"A custom_id has 1 to {LONGEST_ID} characters.", "custom_id",
                number,
            )
        )  # fmt: skip
    if envelope.method != "POST":
        raise BadLine(Fault("invalid_method", "The method must be POST.", "method", number))
    if envelope.url != endpoint:
        message = f"The url of every line must be the batch's endpoint, {endpoint}."
        raise BadLine(Fault("invalid_url", message, "url", number))
    body = bytes(envelope.body)
    asked = _decoded(body, _LineBody, number, "body.")
    if bytes(asked.stream) not in (b"false", b"null"):
        message = "A line of a batch cannot be answered as a stream."
        raise BadLine(Fault("invalid_request", message, "body.stream", number))
    return BatchLine(number, envelope.custom_id, asked.model, body)


def _decoded(data: bytes, kind: type[T], number: int, prefix: str) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise BadLine(_misfit(str(error), number, prefix)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message = "This line is not a JSON object."
        raise BadLine(Fault("invalid_json_line", message, None, number)) from error


def _misfit(said: str, number: int, prefix: str) -> Fault:
    """msgspec ends with the field, as in "- at `$.url`", or names one that is missing."""
    if _MISSING in said:
        field = prefix + said.split("`")[1]
        return Fault("missing_required_parameter", f"{field} is missing.", field, number)
    if _PLACE in said:
        field = prefix + said.split(_PLACE)[1].strip("`")
        return Fault("invalid_type", f"{field} has the wrong type.", field, number)
    if prefix:
        return Fault("invalid_type", "body is not a JSON object.", "body", number)
    return Fault("invalid_json_line", "This line is not a JSON object.", None, number)
