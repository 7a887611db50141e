"""An ID token: whether the provider signed it, for us, now (OpenID Connect Core, 3.1.3.7)."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from shortstop.errors import SignOnRefused

ALGORITHMS = frozenset(
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
)
"""Signatures by a key that only the provider has. Never `none`, and none by a shared secret: it
could be the public key's own bytes."""
KEY_TYPES = frozenset(["RSA", "EC"])
MOST_CHARACTERS = 100_000
"""Of a token that is read: hundreds of groups."""
LONGEST_HEADER = 4096
SHORTEST_MODULUS = 342
"""Characters of an RSA key's modulus: 2,048 bits."""
SHOWN = 100
LATEST = 1e12
"""Unix time in seconds beyond which nothing is a time; NaN is beyond it, too."""

JwkSet = Sequence[Mapping[str, Any]]
Claims = Mapping[str, Any]
_HINT = "Sign in again. If that does not help, the operator finds this sentence in the log."


class UnknownKeyId(Exception):
    """No key that is known has signed the token: the provider may have new ones."""


class TokenTerms(NamedTuple):
    """Of whom, for whom and for which sign-in a token must be. `now` in Unix seconds, `skew` in
    seconds; `nonce` is what was sent along, None: nothing, and then
    none may come back. It was issued at most `oldest` seconds ago."""

    issuer: str
    client: str
    now: float
    skew: float
    nonce: str | None = None
    oldest: float | None = None


class _TokenHead(Struct, frozen=True):
    """`typ` is "JWT" or left out; what ends with "+jwt" says that it is another kind of token
    (RFC 8725, 3.11): one for access, or one by which a session is ended."""

    alg: str
    kid: str | None = None
    typ: str | None = None


def signed_claims(token: str, keys: JwkSet) -> Claims:
    """The claims of a token that one of the provider's keys has signed. Raises SignOnRefused, and
    UnknownKeyId."""
    if len(token) > MOST_CHARACTERS:
        raise _refused(f"is longer than {MOST_CHARACTERS:,} characters: it names too many groups")
    head = _head(token)
    if head.alg not in ALGORITHMS:
        raise _refused(f"is signed with {head.alg[:SHOWN]!r}, which is not accepted")
    if head.typ is not None and head.typ.lower().endswith("+jwt"):
        raise _refused(f"says that it is {head.typ[:SHOWN]!r}, which is no ID token")
    return _verified(token, _key_for(head, keys), head.alg)


def check_claims(claims: Claims, expected: TokenTerms) -> None:
    """Raises SignOnRefused, which says what is wrong."""
    if claims.get("iss") != expected.issuer:
        raise _refused(f"is of the issuer {_shown(claims.get('iss'))}, not {expected.issuer!r}")
    _check_audience(claims, expected.client)
    if claims.get("nonce") != expected.nonce:
        raise _refused("is the answer to another sign-in")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise _refused("names no subject")
    _check_times(claims, expected)


def _check_audience(claims: Claims, client: str) -> None:
    audience = claims.get("aud")
    for_whom = [audience] if isinstance(audience, str) else audience
    if not isinstance(for_whom, list) or client not in for_whom:
        raise _refused(f"is for {_shown(audience)}, not for {client!r}")
    party = claims.get("azp")
    if party != client and (party is not None or len(for_whom) > 1):
        raise _refused(f"was given to {_shown(party)}, not to {client!r}")


def _check_times(claims: Claims, expected: TokenTerms) -> None:
    now, skew = expected.now, expected.skew
    expires, issued = _moment(claims, "exp"), _moment(claims, "iat")
    ahead = issued - now
    if ahead > skew:
        raise _refused(
            f"was issued {ahead:,.0f} s in the future, and `clock_skew` allows {skew:g}: the clock"
            " of this machine or the provider's is wrong"
        )
    if expires <= now - skew:
        raise _refused(
            f"expired {now - expires:,.0f} s ago: it is old, or the clock of this machine or the"
            " provider's is wrong"
        )
    if "nbf" in claims and _moment(claims, "nbf") > now + skew:
        raise _refused("is not good yet")
    if expected.oldest is not None and -ahead > expected.oldest + skew:
        raise _refused(f"was issued {-ahead:,.0f} s ago, which is too long")


def _head(token: str) -> _TokenHead:
    text = token.partition(".")[0]
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        if len(data) > LONGEST_HEADER:
            raise _refused("has a head that is too long")
        return msgspec.json.decode(data, type=_TokenHead)
    except (ValueError, msgspec.DecodeError, binascii.Error, RecursionError):
        raise _refused("is no signed token") from None


def _key_for(head: _TokenHead, keys: JwkSet) -> Mapping[str, Any]:
    """The one key that can have signed it. Raises UnknownKeyId."""
    signing = [
        key for key in keys if key.get("kty") in KEY_TYPES and key.get("use", "sig") == "sig"
    ]
    if head.kid is not None:
        signing = [key for key in signing if key.get("kid") == head.kid]
    if len(signing) != 1:
        raise UnknownKeyId
    return signing[0]


def _verified(token: str, key: Mapping[str, Any], algorithm: str) -> Claims:
    if key["kty"] == "RSA" and len(str(key.get("n", ""))) < SHORTEST_MODULUS:
        raise _refused("is signed with a key of less than 2,048 bits")
    from joserfc import jwk, jws, jwt  # late: no gateway without single sign-on needs it
    from joserfc.errors import JoseError

    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    registry.max_header_length, registry.max_payload_length = LONGEST_HEADER, MOST_CHARACTERS
    try:
        imported = jwk.import_key({name: key[name] for name in key if name != "key_ops"})
        return jwt.decode(token, imported, algorithms=[algorithm], registry=registry).claims
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise _refused(f"is not signed by the provider ({type(error).__name__})") from None


def _moment(claims: Claims, name: str) -> float:
    value = claims.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < LATEST:
        raise _refused(f"has no time `{name}`")
    return float(value)


def _refused(what: str) -> SignOnRefused:
    return SignOnRefused(f"The identity provider's token {what}.", hint=_HINT)


def _shown(value: object) -> str:
    return ascii(value)[:SHOWN]
