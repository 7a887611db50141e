"""How a trace's document lies in a database of many rows: without what is empty, or packed.

Without what is empty it is JSON, which every version reads. Packed it is a text that only versions
with this module read: JSON compressed against words that all documents share, in base64.
"""

from __future__ import annotations

import base64
import zlib
from functools import reduce
from operator import or_
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from shortstop.types import Trace

MARK = "~1"
"""How a packed text begins; JSON never does. Another dictionary has another mark."""
MOST = 8_192
"""Bytes of JSON that are worth packing: what holds more holds content, which the database
compresses by itself or nobody can."""
_WORDS = (
    b'"trace_context":{"trace":"","span":"","parent":"","sampled":"specialist":"tag":"user":"run":'
    b'"run_refusal":"error":"timeout","cancelled","interrupted","refused","shadow"content_file":"'
    b'day=2026-11-23/part-0123456789abcdef-000001.parquet""findings":[{"label":"EMAIL","tier":2,'
    b'"rule":"email","path":""},{"label":"PERSON","tier":1,"rule":"name","labels":["reasons":['
    b'"attempts":[{"target":"local":false,"outcome":"rejected","error","skipped","first_byte":0.'
    b'"status":200,"signals":{"tokens":12,"chars":48,"logprob_min":-0."logprob_p10":-0.'
    b'"logprob_p50":-0."logprob_mean":-0."entropy":0."repetition":0.0,"finish":"stop"},"checks":['
    b'{"name":"passed":true,"detail":"began":0."verified":{"began":0."ended":0."deployment":'
    b'"spilled":["fallback":"usage":{"input":"cache_read":"cache_write":"reasoning":"estimated":'
    b'"served":["batch"],"shadow":["audited":["longest":"explored":true,"reasons":["'
    b'{"id":"req_","at":17950000.,"tenant":"default","dialect":"anthropic.messages","dialect":'
    b'"openai.responses","dialect":"openai.chat","model":"auto","outcome":"ok","status":200,'
    b'"stream":true,"seconds":0.,"clearance":{"tier":0,"reach":0,"policy":"builtin-1"},'
    b'"decision":{"plan":["small","task":"","score":0.,"threshold":0.5,"propensity":1.0,'
    b'"router":"expected-cost","reasons":["named"],"verify":false},"target":"","local":true,'
    b'"attempts":[{"target":"","local":true,"outcome":"ok","seconds":0.,"first_byte":0.,'
    b'"status":200,"usage":{"input":,"output":},"began":0.}],"first_byte":0.,"usage":{"input":,'
    b'"output":},"bill":{"cost":"0.000","cost_local":"0","cost_remote":"0.000",'
    b'"counterfactual":"0.000","baseline":"","joules":{"value":,"low":,"high":,"basis":"modelled"},'
    b'"counterfactual_joules":{"value":,"low":,"high":,"basis":"modelled"},"gco2":{"value":0.,'
    b'"low":0.,"high":0.,"basis":"modelled"},"prices":"2026-11-"},"key":"key_","conversation":"",'
    b'"digest":"k","cleared":0.000,"decided":0.000}'
)
"""What packed texts were made against: never to be changed, the likeliest last."""


_NULL = msgspec.Raw(b"null")
_CONTENT = {"request": msgspec.Raw, "response": msgspec.Raw}
_PLACE = ("content_file", str | None, None)


def slim(document: bytes) -> bytes:
    """The JSON without what has its default, for every version to read; as it was where it is no
    document of this version."""
    try:
        trace = _slim(document)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return document
    for name in _CONTENT:
        if bytes(getattr(trace, name)) == b"null":
            setattr(trace, name, msgspec.UNSET)
    return _encode(trace)


def packed(document: bytes) -> str:
    """JSON -> the text that versions with this module read; as JSON where it is too large."""
    if len(document) > MOST:
        return document.decode()
    press = _PRESS.copy()
    data = press.compress(document) + press.flush()
    return MARK + base64.b64encode(data).decode()


def unpacked(text: str) -> bytes:
    """What `slim` or `packed` was given, as JSON; what is damaged comes as it is, and is none."""
    if not text.startswith(MARK):
        return text.encode()
    try:
        data = base64.b64decode(text[len(MARK) :], validate=True)
        opened = zlib.decompressobj(-_WINDOW, _WORDS)
        return opened.decompress(data, MOST) + opened.flush()
    except (ValueError, zlib.error):
        return text.encode()


def _shaped(kind: type[msgspec.Struct], made: dict[Any, Any], root: bool = False) -> Any:
    """A type of the same fields, whose objects are written without what has its default."""
    hints = get_type_hints(kind)
    fields: list[Any] = [_PLACE] if root else []
    for field in msgspec.structs.fields(kind):
        name, default = field.name, field.default
        if root and name in _CONTENT:
            fields.append((name, _CONTENT[name], _NULL))
        elif isinstance(default, msgspec.Struct):
            fields.append((name, _inner(hints[name], made) | msgspec.UnsetType, msgspec.UNSET))
        else:
            known = () if default is msgspec.NODEFAULT else (default,)
            fields.append((name, _inner(hints[name], made), *known))
    return msgspec.defstruct(kind.__name__, fields, omit_defaults=True, kw_only=True)


def _inner(kind: Any, made: dict[Any, Any]) -> Any:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if kind not in made:
            made[kind] = _shaped(kind, made)
        return made[kind]
    args = tuple(one if one is ... else _inner(one, made) for one in get_args(kind))
    if get_origin(kind) is tuple:
        return tuple.__class_getitem__(args)
    return reduce(or_, args) if isinstance(kind, UnionType) else kind


_WINDOW = 12
_PRESS = zlib.compressobj(1, zlib.DEFLATED, -_WINDOW, 4, zlib.Z_DEFAULT_STRATEGY, _WORDS)
_slim = msgspec.json.Decoder(_shaped(Trace, {}, root=True)).decode
_encode = msgspec.json.Encoder().encode
