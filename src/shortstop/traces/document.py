"""A trace as the JSON document that journal and database keep.

Its fields are the trace's, but that the answer is the object {"choices": [...]} and that `request`
and `response` may be sealed, or null where `content_file` names the file of the lake that holds
them. Fields of earlier versions are left unread.
"""

from __future__ import annotations

import logging

import msgspec
from msgspec.structs import replace

from shortstop.traces.seal import Seal, is_sealed
from shortstop.types import Choice, Json, Trace

log = logging.getLogger(__name__)

_encode = msgspec.json.Encoder().encode
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_trace = msgspec.json.Decoder(Trace).decode
_content = msgspec.json.Decoder(Json | None).decode
_decision = msgspec.json.decode
_NULL = msgspec.Raw(b"null")
_PLACE = "content_file"
_NAMES_PLACE = f'"{_PLACE}":'.encode()

Content = tuple[str, str]
"""What was asked and what was answered, each as the JSON that lies in a document."""
NO_CONTENT = (b"null", b"null")


def encode(trace: Trace, request: Json | None, response: Json | None) -> bytes:
    """The trace as JSON, with this for its content.

    Raises UnicodeEncodeError, TypeError, ValueError or OverflowError for what JSON cannot hold.
    """
    return _encode(replace(trace, request=request, response=response))


def answer(choices: tuple[Choice, ...] | None) -> Json | None:
    """The answer as a document holds it; the choices themselves are not turned into JSON yet."""
    return None if choices is None else {"choices": choices}


def decode(document: bytes, seal: Seal | None = None) -> Trace:
    """JSON -> Trace, its content opened where it is sealed; None for content without its `seal`.

    Raises msgspec.DecodeError, and StoreError when it was sealed with another key.
    """
    trace, request, response = parts(document)
    return replace(
        trace,
        request=_opened(request, f"{trace.id} request", seal),
        response=_choices(trace.id, _opened(response, f"{trace.id} response", seal)),
    )


def parts(document: bytes) -> tuple[Trace, Json | None, Json | None]:
    """The trace without content; what was asked and what was answered, each as it lies there.

    Raises msgspec.DecodeError.
    """
    fields = _fields(document)
    request = _content(fields.pop("request", _NULL))
    response = _content(fields.pop("response", _NULL))
    return _without(fields), request, response


def without_content(document: bytes) -> Trace:
    """JSON -> Trace, without what was asked and answered. Raises msgspec.DecodeError."""
    fields = _fields(document)
    fields.pop("request", None)
    fields.pop("response", None)
    return _without(fields)


def holds_content(document: bytes) -> bool:
    """Whether it says what was asked, be it sealed or in the lake. Raises msgspec.DecodeError."""
    fields = _fields(document)
    return any(bytes(fields.get(name, _NULL)) != b"null" for name in ("request", _PLACE))


def emptied(document: bytes) -> bytes:
    """The document without what was asked and answered. Raises msgspec.DecodeError."""
    return encode(placeless(without_content(document)), None, None)


def divided(document: bytes, file: str) -> tuple[bytes, Content] | None:
    """The document with `file` named in the place of its content, and that content; None where it
    has none. Raises msgspec.DecodeError and UnicodeDecodeError."""
    fields = _fields(document)
    content = bytes(fields.get("request", _NULL)), bytes(fields.get("response", _NULL))
    if content == NO_CONTENT:
        return None
    place = msgspec.Raw(_encode(file))
    left = _encode({**fields, "request": _NULL, "response": _NULL, _PLACE: place})
    return left, (content[0].decode(), content[1].decode())


def place_of(document: bytes) -> str | None:
    """The file that holds its content; None where it lies in the document. Raises
    msgspec.DecodeError."""
    if _NAMES_PLACE not in document:
        return None
    place = _fields(document).get(_PLACE)
    return None if place is None else msgspec.json.decode(place, type=str)


def joined(document: bytes, content: Content) -> bytes:
    """What `divided` was given. Raises msgspec.DecodeError."""
    fields = _fields(document)
    fields.pop(_PLACE, None)
    request, response = (msgspec.Raw(one.encode()) for one in content)
    return _encode({**fields, "request": request, "response": response})


def placeless(trace: Trace) -> Trace:
    """Without the places of findings: the key of an object can be the secret itself."""
    clearance = trace.clearance
    if not clearance.findings:
        return trace
    findings = tuple([replace(one, path="") for one in clearance.findings])
    return replace(trace, clearance=replace(clearance, findings=findings))


def _without(fields: dict[str, msgspec.Raw]) -> Trace:
    """The trace of these fields, which hold no content."""
    try:
        return _trace(_encode(fields))
    except msgspec.ValidationError:
        decision = _decision(fields.get("decision", _NULL))
        if not isinstance(decision, dict) or isinstance(decision.get("shadow"), list):
            raise
        # At most one target was asked unseen once: its name, or null.
        name = decision.get("shadow")
        earlier = {**decision, "shadow": [] if name is None else [name]}
        return _trace(_encode({**fields, "decision": earlier}))


def _opened(content: Json | None, about: str, seal: Seal | None) -> Json | None:
    if content is None or not is_sealed(content):
        return content
    return None if seal is None else seal.open(content, about)


def _choices(id: str, response: Json | None) -> tuple[Choice, ...] | None:
    if response is None:
        return None
    try:
        return msgspec.convert(response["choices"], tuple[Choice, ...])
    except (KeyError, msgspec.ValidationError) as error:
        log.warning("trace %s: its answer cannot be read (%s)", id, error)
        return None
