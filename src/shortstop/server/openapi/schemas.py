"""The document's schemas: our own made from the routes' types, the vendors' from `vendors`."""

from __future__ import annotations

from typing import Any

import msgspec

from shortstop.accounts import GrantRequest
from shortstop.accounts.teams import GroupChange, OrganisationRequest, TeamRequest
from shortstop.batches import BatchRequest
from shortstop.server import answers, batch_answers, team_answers
from shortstop.server.feedback import FeedbackRequest
from shortstop.server.gateway import Readiness
from shortstop.server.openapi.vendors import vendor_schemas
from shortstop.server.sent import KeyMove, KeyRotation, TeamKeyRequest
from shortstop.server.sessions import EndedSession, SessionRequest, StartedSession
from shortstop.server.traces import TraceDetails, TraceList
from shortstop.sso import DeviceOffer
from shortstop.types import Explanation, Json

OWN: tuple[Any, ...] = (
    GrantRequest,
    FeedbackRequest,
    Readiness,
    answers.Accepted,
    answers.CreatedKey,
    answers.DeletedResponse,
    answers.ErasedConversation,
    answers.Health,
    answers.Index,
    answers.KeyBalance,
    answers.KeyDetails,
    answers.KeyList,
    answers.Model,
    answers.ModelList,
    answers.Reloaded,
    BatchRequest,
    batch_answers.BatchList,
    batch_answers.BatchObject,
    batch_answers.DeletedFile,
    batch_answers.FileList,
    batch_answers.FileObject,
    GroupChange,
    OrganisationRequest,
    TeamRequest,
    team_answers.GroupDetails,
    team_answers.GroupList,
    KeyMove,
    KeyRotation,
    TeamKeyRequest,
    DeviceOffer,
    SessionRequest,
    StartedSession,
    EndedSession,
    TraceDetails,
    TraceList,
    Explanation,
)


def schemas() -> Json:
    """Every schema by its name in `components`."""
    _, components = msgspec.json.schema_components(OWN, ref_template="#/components/schemas/{name}")
    # As JSON reads it: a default may be a tuple here.
    own: Json = _without_tuples(msgspec.json.decode(msgspec.json.encode(components)))
    for schema in own.values():
        if "description" in schema:  # a docstring, with its line breaks
            schema["description"] = " ".join(schema["description"].split())
    return own | vendor_schemas()


def _without_tuples(schema: Any) -> Any:
    """Lists of fixed length with a type for each place, as lists of these types: few generators of
    clients know `prefixItems`."""
    if isinstance(schema, list):
        return [_without_tuples(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: _without_tuples(value) for name, value in schema.items()}
    if "prefixItems" in inner:
        inner["items"] = {"anyOf": inner.pop("prefixItems")}
    return inner
