"""Who is asking: the credential in a request's head, and who may administer.

Beside keys and the admin token, whoever has signed in shows a session's token (`signed_on.py`). It
administers and asks no model.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from urllib.parse import parse_qsl

from msgspec import Struct
from starlette.types import Scope

from shortstop import dialects
from shortstop.accounts import Key
from shortstop.accounts.teams import Team
from shortstop.config import is_loopback
from shortstop.errors import Forbidden, InvalidRequest, NotFound, Unauthenticated
from shortstop.server.gateway import Gateway
from shortstop.server.signed_on import SESSION_PREFIX, SignedOnTickets
from shortstop.sso import Person, Rights
from shortstop.types import Caller

AZURE_HEADER = "api-key"
"""In which Azure's SDK for OpenAI's dialect sends the key."""
AUTHORIZATION = b"authorization"
CREDENTIALS = frozenset(
    [AUTHORIZATION, AZURE_HEADER.encode(), *(name.encode() for name in dialects.key_headers())]
)
QUERY_KEYS = frozenset(["key", "api-key", "api_key", "apikey", "access_token"])
"""Names under which clients of other gateways put a key into the URL."""
FORWARDED = frozenset(
    [
        b"forwarded",
        b"via",
        b"cdn-loop",
        b"true-client-ip",
        b"x-forwarded",
        b"x-real-ip",
        b"x-client-ip",
        b"x-cluster-client-ip",
        b"x-scheme",
    ]
)
PROXIES = (
    b"x-forwarded-",
    b"x-original-",
    b"x-envoy-",
    b"x-appengine-",
    b"x-azure-",
    b"x-arr-",
    b"cf-",
    b"fly-",
    b"fastly-",
)
"""Headers that only a proxy adds, by name, and by how they begin."""

ADMIN_TOKEN = "admin token"  # noqa: S105 - as whom its holder is written down
OPERATORS = (
    "operators",
    "Send the admin token, or a key that was made with `--console operator`.",
)
LEADS = ("the leads of teams", "Send a key that was made with `--role team-lead --team TEAM`.")

RawHeaders = Iterable[tuple[bytes, bytes]]


def secret_of(headers: RawHeaders, query: bytes = b"") -> str | None:
    """The API key: `Authorization: Bearer`, or the header that a vendor's SDK sends it in.

    A key in the URL is not read, for URLs are logged everywhere. The same key twice is one key;
    raises InvalidRequest for two, since each of the two readings is somebody's mistake.
    """
    found = [(name, value) for name, value in headers if name in CREDENTIALS]
    shown = [key for name, value in found if (key := _key(name, value)) is not None]
    first = next(filter(None, shown), "" if shown else None)
    if first and (len(shown) > 1 or query):
        _require_one({*filter(None, shown), *_in_query(query)})
    return first


def _key(name: bytes, value: bytes) -> str | None:
    text = value.decode("latin-1")
    if name != AUTHORIZATION:
        return text.strip()
    return text[7:].strip() if text[:7].lower() == "bearer " else None


def _in_query(query: bytes) -> list[str]:
    if not query:
        return []
    pairs = parse_qsl(query.decode("latin-1"))
    return [value for name, value in pairs if name.lower() in QUERY_KEYS]


def _require_one(keys: set[str]) -> None:
    if len(keys) > 1:
        raise InvalidRequest(
            "The request holds two different API keys.",
            hint="Send one: as `Authorization: Bearer KEY`, or as `x-api-key`.",
            code="ambiguous_credentials",
        )


def caller_in(gateway: Gateway, scope: Scope) -> Caller:
    """Whose request it is. Raises InvalidRequest for two keys, Unauthenticated where one is needed
    and there is none.

    Keyless use is for this machine. Whoever comes through a proxy on it is somewhere else.
    """
    caller = gateway.identify(secret_of(scope["headers"], scope.get("query_string", b"")))
    keyless = caller.key is None and gateway.server.auth == "auto"
    if keyless and is_forwarded(scope):
        raise Unauthenticated(
            "This request came through a proxy, and without a key only this machine is served.",
            hint="Make a key with `shortstop keys create NAME`.",
        )
    return caller


def is_forwarded(scope: Scope) -> bool:
    """Whether a proxy passes the request on for somebody else: it says so, or speaks HTTP/1.0, as
    nginx does unless it is told otherwise and programs no longer do."""
    if scope.get("http_version") == "1.0":
        return True
    headers: RawHeaders = scope["headers"]
    return any(name in FORWARDED or name.startswith(PROXIES) for name, _ in headers)


def is_from_here(scope: Scope) -> bool:
    """Whether a program on this machine asks for itself."""
    client = scope.get("client")
    if client is None or not is_loopback(client[0]):
        return False
    return not is_forwarded(scope)


def shows_admin_token(gateway: Gateway, scope: Scope) -> bool:
    """Whether the request shows the admin token. Raises InvalidRequest for two credentials, and
    Forbidden where the token is this machine's own and the request is not."""
    secret = secret_of(scope["headers"], scope.get("query_string", b""))
    if not secret:
        return False
    token = gateway.admin_token
    if not hmac.compare_digest(secret.encode(), token.secret.encode()):
        return False
    if not token.everywhere and not is_from_here(scope):
        raise Forbidden(
            "The admin token of the data folder is for programs on this machine.",
            hint=f"Set {gateway.server.admin_token_env} to administer from elsewhere.",
        )
    return True


def signed_on_in(gateway: Gateway, scope: Scope) -> tuple[Person, Rights] | None:
    """Who shows a session's token, and what they may do now; None: the request shows none. Raises
    InvalidRequest for two credentials, and Unauthenticated for a session that is over."""
    secret = secret_of(scope["headers"], scope.get("query_string", b""))
    if not secret or not secret.startswith(SESSION_PREFIX):
        return None
    found = SignedOnTickets(gateway).of("token", secret.removeprefix(SESSION_PREFIX))
    if found is None:
        raise Unauthenticated(
            "This session is over, or its groups open nothing here any more.",
            hint="Sign in again: `shortstop login`.",
            code="session_over",
        )
    return found[0].person, found[1]


class Operator(Struct, frozen=True):
    """Somebody who runs the gateway. `tenant` is the only one that is seen; None: all. `caller` is
    who asks with that key; what was said is shown `masked` to all but administrators."""

    name: str
    tenant: str | None
    masked: bool
    caller: Caller


def operator_in(gateway: Gateway, scope: Scope) -> Operator:
    """Who shows the admin token, or a key or session that opens the console to an operator. Raises
    Unauthenticated, Forbidden and InvalidRequest."""
    if shows_admin_token(gateway, scope):
        return Operator(ADMIN_TOKEN, None, masked=False, caller=Caller(role="reviewer"))
    signed_on = signed_on_in(gateway, scope)
    if signed_on is not None:
        return _operator_of(*signed_on)
    secret = secret_of(scope["headers"], scope.get("query_string", b""))
    caller = gateway.accounts.identify(secret)
    key = gateway.accounts.keys.get(caller.key) if caller.key else None
    if key is None or key.console not in ("operator", "admin"):
        raise _not_for(OPERATORS)
    admin = key.console == "admin"
    return Operator(key.name, None if admin else key.tenant, masked=not admin, caller=caller)


def _operator_of(person: Person, rights: Rights) -> Operator:
    if rights.console not in ("operator", "admin"):
        raise _not_for(OPERATORS)
    if rights.console == "admin":
        return Operator(person.told, None, masked=False, caller=Caller(role="reviewer"))
    return Operator(person.told, rights.tenant, masked=True, caller=Caller(tenant=rights.tenant))


class TeamLead(Struct, frozen=True):
    """Somebody who administers the keys of one team: the key that was shown, and who asks by it. Of
    somebody who has signed in, `key` says what one that they made could do at most, and is in no
    book."""

    key: Key
    team: Team
    caller: Caller


def team_lead_in(gateway: Gateway, scope: Scope) -> TeamLead:
    """Who shows a team lead's key or session. Raises Unauthenticated, Forbidden and
    InvalidRequest."""
    signed_on = signed_on_in(gateway, scope)
    if signed_on is not None:
        return _lead_of(gateway, *signed_on)
    secret = secret_of(scope["headers"], scope.get("query_string", b""))
    caller = gateway.accounts.identify(secret)
    key = gateway.accounts.keys.get(caller.key) if caller.key else None
    team = gateway.accounts.teams.get(key.team) if key is not None and key.team else None
    if key is None or key.role != "team-lead" or not isinstance(team, Team):
        raise _not_for(LEADS)
    return TeamLead(key, team, caller)


def _lead_of(gateway: Gateway, person: Person, rights: Rights) -> TeamLead:
    if rights.team is None:
        raise _not_for(LEADS)
    team = _team(gateway, rights.team)
    if team.closed is not None:
        raise Forbidden(f"The team {team.name!r}, which your group leads, is closed.")
    id = f"sso {person.subject}"
    key = Key(
        id=id, name=person.name, tenant=rights.team_tenant, team=team.id, role="team-lead",
        created=gateway.accounts.now, tail="",
    )  # fmt: skip
    return TeamLead(key, team, Caller(tenant=rights.team_tenant))


def _team(gateway: Gateway, named: str) -> Team:
    """Of a group under [sso]; another process may have made it. Raises Forbidden."""
    teams = gateway.accounts.teams
    try:
        return teams.team(named)
    except (NotFound, InvalidRequest):
        teams.load()
    try:
        return teams.team(named)
    except (NotFound, InvalidRequest) as error:
        raise Forbidden(
            f"Your group leads the team {named!r}, which is not here. {error.message}",
            hint="An administrator makes it, or changes `team` under [sso.groups].",
        ) from None


def admin_in(gateway: Gateway, scope: Scope) -> str:
    """As whom somebody's acts are written down: the admin token, or an administrator who has signed
    in. Raises as `shows_admin_token` and `signed_on_in` do, and Unauthenticated or Forbidden."""
    if shows_admin_token(gateway, scope):
        return ADMIN_TOKEN
    signed_on = signed_on_in(gateway, scope)
    if signed_on is None:
        raise Unauthenticated(
            "The admin token is missing or wrong.",
            hint=f"Send it as `Authorization: Bearer TOKEN`. It is in {gateway.admin_token.place}.",
            code="invalid_admin_token",
        )
    person, rights = signed_on
    if rights.console != "admin":
        raise Forbidden(f"This needs the role admin; you are {rights.role}.")
    return person.told


def _not_for(whom: tuple[str, str]) -> Forbidden:
    who, hint = whom
    return Forbidden(f"This is for {who}.", hint=hint)
