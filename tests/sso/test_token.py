"""Signatures and times of ID tokens, beside what `tests/server/test_sign_on.py` tries over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OctKey, RSAKey

from shortstop.errors import SignOnRefused
from shortstop.sso.token import (
    ALGORITHMS,
    MOST_CHARACTERS,
    TokenTerms,
    UnknownKeyId,
    check_claims,
    signed_claims,
)
from tests.sso.provider import b64

NOW = 1_800_000_000.0
TERMS = TokenTerms("https://id.example", "shortstop", NOW, 60.0)
GOOD = {"iss": TERMS.issuer, "aud": "shortstop", "sub": "ada", "iat": NOW, "exp": NOW + 300}
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
KEYS: dict[str, Any] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), RSA),
    "ES256": ECKey.generate_key("P-256", {"kid": "p256"}),
    "ES384": ECKey.generate_key("P-384", {"kid": "p384"}),
    "ES512": ECKey.generate_key("P-521", {"kid": "p521"}),
}


def listed(*keys: Any) -> list[dict[str, Any]]:
    return [key.as_dict(private=False) for key in keys]


def signed(key: Any, alg: str, **head: Any) -> str:
    return jwt.encode({"alg": alg, "kid": key.kid, **head}, dict(GOOD), key, algorithms=[alg])


@pytest.mark.parametrize("alg", sorted(ALGORITHMS))
def test_every_accepted_signature_is_verified(alg: str) -> None:
    key = KEYS[alg]
    token = signed(key, alg)
    assert signed_claims(token, listed(*{id(k): k for k in KEYS.values()}.values())) == GOOD
    head, _, signature = token.split(".")
    other = b64(json.dumps({**GOOD, "sub": "eve"}).encode())
    with pytest.raises(SignOnRefused, match="not signed by the provider"):
        signed_claims(f"{head}.{other}.{signature}", listed(key))


def test_no_key_signs_in_anothers_place() -> None:
    """By the algorithm's name, by the kind of key, or by a use that is not signing."""
    secret = OctKey.generate_key(256, {"kid": "rsa"})
    with pytest.raises(SignOnRefused, match="not accepted"):
        signed_claims(signed(secret, "HS256"), [secret.as_dict(private=True), *listed(RSA)])
    ec = KEYS["ES256"]
    confused = signed(RSA, "RS256", kid=ec.kid)
    with pytest.raises(SignOnRefused, match="not signed by the provider"):
        signed_claims(confused, listed(ec))
    [sealing] = listed(RSA)
    for keys in ([{**sealing, "use": "enc"}], [sealing, sealing], [], [{"kid": "rsa"}]):
        with pytest.raises(UnknownKeyId):
            signed_claims(signed(RSA, "RS256"), keys)
    named = jwt.encode({"alg": "RS256"}, dict(GOOD), RSA)
    assert signed_claims(named, listed(RSA)) == GOOD, "one key needs no name"
    with pytest.raises(UnknownKeyId):
        signed_claims(named, listed(RSA, ec))


def test_a_key_that_can_be_broken_signs_nothing() -> None:
    with pytest.warns(SecurityWarning):
        weak = RSAKey.generate_key(1024, {"kid": "rsa"})
    with pytest.raises(SignOnRefused, match="less than 2,048 bits"):
        signed_claims(signed(weak, "RS256"), listed(weak))


def test_a_head_cannot_bring_its_own_key_or_ask_for_more() -> None:
    evil = RSAKey.generate_key(2048, {"kid": "rsa"})
    with pytest.raises(SignOnRefused, match="not signed by the provider"):
        signed_claims(signed(evil, "RS256", jwk=evil.as_dict(private=False)), listed(RSA))
    head = b64(json.dumps({"alg": "RS256", "kid": "rsa", "crit": ["b64"], "b64": False}).encode())
    _, body, signature = signed(RSA, "RS256").split(".")
    with pytest.raises(SignOnRefused):
        signed_claims(f"{head}.{body}.{signature}", listed(RSA))
    with pytest.raises(SignOnRefused, match="too many groups"):
        signed_claims("x" * (MOST_CHARACTERS + 1), listed(RSA))


@pytest.mark.parametrize("typ", ["at+jwt", "logout+jwt", "application/AT+JWT"])
def test_another_kind_of_token_is_no_id_token(typ: str) -> None:
    with pytest.raises(SignOnRefused, match="no ID token"):
        signed_claims(signed(RSA, "RS256", typ=typ), listed(RSA))
    for usual in ("JWT", "jwt"):
        assert signed_claims(signed(RSA, "RS256", typ=usual), listed(RSA)) == GOOD


def test_a_list_of_keys_may_say_more_of_each_than_is_used() -> None:
    """Certificates, thumbprints, and whose they are, as Keycloak's and Entra's lists do."""
    [key] = listed(RSA)
    more = {**key, "use": "sig", "x5t": "t", "x5t#S256": "t", "x5c": ["MII"],
            "issuer": "https://id.example/{tenantid}/v2.0"}  # fmt: skip
    sealing = {**listed(RSAKey.generate_key(2048))[0], "use": "enc", "alg": "RSA-OAEP"}
    assert signed_claims(signed(RSA, "RS256", x5t="t"), [sealing, more]) == GOOD


@given(st.text(max_size=80) | st.from_regex(r"[\w-]{0,40}\.[\w-]{0,40}\.[\w-]{0,40}"))
def test_any_text_is_refused_in_words(text: str) -> None:
    with pytest.raises((SignOnRefused, UnknownKeyId)):
        signed_claims(text, [{"kty": "RSA", "kid": "rsa"}])


@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.none() | st.booleans() | st.integers() | st.floats() | st.lists(st.text())
            for name in GOOD
        },
    ).filter(bool)
)
def test_claims_of_any_kind_are_refused_in_words(claims: dict[str, Any]) -> None:
    told = {**GOOD, **claims}
    good = (
        set(claims) <= {"iat", "exp"}
        and all(isinstance(v, int | float) and v is not True and v is not False
                for v in claims.values())
        and told["exp"] > NOW - TERMS.skew and told["exp"] < 1e12
        and -1e12 < told["iat"] <= NOW + TERMS.skew
    )  # fmt: skip
    if good:
        check_claims(told, TERMS)
        return
    with pytest.raises(SignOnRefused):
        check_claims(told, TERMS)


def test_times_are_good_within_the_skew_and_no_second_longer() -> None:
    for claims in ({"iat": NOW + 60}, {"exp": NOW - 59}, {"nbf": NOW + 60}):
        check_claims({**GOOD, **claims}, TERMS)
    with pytest.raises(SignOnRefused, match="another sign-in"):
        check_claims({**GOOD, "nonce": "nobody sent it"}, TERMS)
    for claims in ({"iat": NOW + 61}, {"exp": NOW - 60}, {"nbf": NOW + 61}):
        with pytest.raises(SignOnRefused):
            check_claims({**GOOD, **claims}, TERMS)
    fresh = TERMS._replace(oldest=600.0)
    check_claims({**GOOD, "iat": NOW - 660}, fresh)
    with pytest.raises(SignOnRefused, match="too long"):
        check_claims({**GOOD, "iat": NOW - 661}, fresh)
