"""Callers as rows may name them: what clients call runs, tags and users may tell something."""

from __future__ import annotations

from msgspec.structs import replace

from shortstop.accounts.users import Naming, end_user
from shortstop.privacy.guard import PrivacyGuard
from shortstop.runs import is_own, name_digest
from shortstop.types import Caller


def run_name(guard: PrivacyGuard, name: str, tenant: str) -> str:
    """By which a run that a client calls `name` is known: one that may tell something, such as an
    address, is written down as its digest. The same in each request, and for feedback."""
    if is_own(name) or guard.harmless(name, tenant):
        return name
    return name_digest(name)


def recorded(guard: PrivacyGuard, caller: Caller, users: Naming) -> Caller:
    """A tag or a run that may tell something is its digest, an end user as `users` says."""
    tenant = caller.tenant
    if caller.run is None and caller.user is None and caller.tag is None:
        return caller
    return replace(
        caller,
        run=run_name(guard, caller.run, tenant) if caller.run else None,
        tag=run_name(guard, caller.tag, tenant) if caller.tag else None,
        user=end_user(caller.user, tenant, users) if caller.user else None,
    )
