"""End users as rows may name them."""

from __future__ import annotations

import hashlib
from typing import Literal

Naming = Literal["hashed", "plain", "off"]
BYTES = 8


def end_user(name: str, tenant: str, naming: Naming) -> str | None:
    """The name that a client gives its user, as its digest unless `naming` says otherwise. The same
    user of the same tenant has the same digest; whoever knows a name can work it out."""
    if naming == "off":
        return None
    if naming == "plain":
        return name
    data = f"{tenant}\0{name}".encode("utf-8", "replace")
    return "u-" + hashlib.blake2b(data, digest_size=BYTES, person=b"end user").hexdigest()
