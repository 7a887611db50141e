"""An identity provider on this machine, over real HTTP: authorization code with PKCE (RFC 6749,
RFC 7636), device authorization (RFC 8628), rotation of keys; and every way to get it wrong."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote, urlencode

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET, CLI = "shortstop", "s3cret/with:signs", "shortstop-cli"
Claims = dict[str, Any]
PAGE = """<!doctype html><html lang="en"><title>Sign in</title><form method="post">
<button id="in">Sign in as {name}</button></form></html>"""
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
LARGE = 5_000_000


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def unsigned(claims: Claims) -> str:
    head = b64(json.dumps({"alg": "none", "typ": "JWT"}).encode())
    return f"{head}.{b64(json.dumps(claims).encode())}."


def signed_with_the_public_key(claims: Claims, key: RSAKey) -> str:
    """HS256, the secret being what everybody can read: the oldest trick."""
    head = b64(json.dumps({"alg": "HS256", "kid": key.kid}).encode())
    text = f"{head}.{b64(json.dumps(claims).encode())}"
    return f"{text}.{b64(hmac.digest(key.as_pem(private=False), text.encode(), 'sha256'))}"


class LocalProvider:
    """`user` is who is signed in at it; `fault` is what is wrong with it now, "" nothing.

    `twist` changes the claims of the next token, `forge` makes the whole token of them.
    """

    def __init__(self) -> None:
        self.url = ""
        self.key = self._new_key()
        self.user: Claims = {}
        self.fault = ""
        self.twist: Callable[[Claims], Claims] = lambda claims: claims
        self.forge: Callable[[Claims], str] = self.signed
        self.asked: list[str] = []
        """Paths, in order."""
        self.codes: dict[str, dict[str, str]] = {}
        self.first = "pending"
        """What a device's code is at first."""
        self.devices: dict[str, str] = {}
        """Device code -> "pending", "slow_down", "denied", "declined", "secret" or "done"."""
        self.issued: list[str] = []
        """ID tokens."""
        self.interval = 0.01
        self.client = (CLIENT, SECRET)
        """Who may exchange a code; a public client has no secret."""
        self.methods = ["client_secret_basic"]
        self.devices_offered = True
        self.named = ""
        """As whom it speaks in its document; "": as who it is."""
        self.left_out = ""
        """What is missing in its document."""
        self.device_answer: Claims = {}
        """What is otherwise in its answer to a device."""

    def reset(self) -> None:
        self.fault, self.twist, self.forge = "", lambda claims: claims, self.signed

    def rotate(self) -> None:
        self.key = self._new_key()

    def _new_key(self) -> RSAKey:
        return RSAKey.generate_key(
            2048, {"use": "sig", "alg": "RS256", "kid": secrets.token_hex(4)}
        )

    # ------------------------------------------------------------ tokens

    def signed(self, claims: Claims) -> str:
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    def token(self, client: str, nonce: str | None = None) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "aud": client, "iat": now, "exp": now + 300, **self.user}
        if nonce is not None:
            claims["nonce"] = nonce
        made = self.forge(self.twist(claims))
        self.issued.append(made)
        return made

    # ------------------------------------------------------------ pages

    async def discovery(self, request: web.Request) -> web.StreamResponse:
        document: dict[str, Any] = {
            "issuer": self.named or self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": self.methods,
        }
        if self.devices_offered:
            document["device_authorization_endpoint"] = f"{self.url}/device"
        document.pop(self.left_out, None)
        return web.json_response(document)

    async def keys(self, request: web.Request) -> web.StreamResponse:
        strange = {"kty": "AKP", "alg": "ML-DSA-44", "kid": "later"}
        return web.json_response({"keys": [strange, self.key.as_dict(private=False)]})

    async def authorize(self, request: web.Request) -> web.StreamResponse:
        """A page with a button, and behind it the way back."""
        query = request.query
        good = (
            query["response_type"] == "code"
            and query["client_id"] == CLIENT
            and query["redirect_uri"].endswith("/console/sso/callback")
            and "openid" in query["scope"].split()
            and query["code_challenge_method"] == "S256"
            and len(query["code_challenge"]) == 43
        )
        if not good:
            return web.Response(status=400)
        if request.method == "GET":
            page = PAGE.format(name=self.user.get("email", "nobody"))
            return web.Response(text=page, content_type="text/html")
        code = secrets.token_urlsafe(16)
        self.codes[code] = dict(query)
        answer = {"code": code, "state": query["state"], "iss": self.url}
        return web.Response(
            status=303, headers={"location": f"{query['redirect_uri']}?{urlencode(answer)}"}
        )

    async def exchange(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        if form["grant_type"] == DEVICE_GRANT:
            return self._device_token(str(form["device_code"]), str(form["client_id"]))
        if self._client_in(request, form) != self.client:
            return self._refuse("invalid_client", 401)
        begun = self.codes.pop(str(form["code"]), None)
        verifier = str(form["code_verifier"]).encode()
        if (
            begun is None
            or b64(hashlib.sha256(verifier).digest()) != begun["code_challenge"]
            or form["redirect_uri"] != begun["redirect_uri"]
        ):
            return self._refuse("invalid_grant")
        return web.json_response({"id_token": self.token(CLIENT, begun["nonce"])})

    def _client_in(self, request: web.Request, form: Any) -> tuple[str, str]:
        if "client_secret_basic" not in self.methods:
            return str(form.get("client_id")), str(form.get("client_secret", ""))
        shown = request.headers.get("authorization", "").removeprefix("Basic ")
        client, _, secret = b64decode(shown).decode().partition(":")
        return unquote(client), unquote(secret)

    async def device(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        if form["client_id"] != CLI:
            return self._refuse("unauthorized_client")
        code = secrets.token_urlsafe(16)
        self.devices[code] = self.first
        return web.json_response(
            {
                "device_code": code,
                "user_code": "WDJB-MJHT",
                "verification_uri": f"{self.url}/activate",
                "expires_in": 600,
                "interval": self.interval,
                **self.device_answer,
            }
        )

    def _device_token(self, code: str, client: str) -> web.StreamResponse:
        state = self.devices.get(code, "expired")
        if state == "done":
            del self.devices[code]
            return web.json_response({"id_token": self.token(client)})
        words = {"pending": "authorization_pending", "slow_down": "slow_down",
                 "denied": "access_denied", "declined": "authorization_declined",
                 "secret": "invalid_client"}  # fmt: skip
        return self._refuse(words.get(state, "expired_token"))

    def _refuse(self, word: str, status: int = 400) -> web.StreamResponse:
        return web.json_response({"error": word, "error_description": "no"}, status=status)

    @web.middleware
    async def _faulty(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked.append(request.path)
        if self.fault == "away":
            return web.Response(status=503)
        if self.fault == "busy":
            return web.json_response({"errorCode": "too many"}, status=429)
        if self.fault == "slow":
            await asyncio.sleep(30)
        if self.fault == "large":
            return web.Response(body=b" " * LARGE, content_type="application/json")
        if self.fault == "garbage":
            return web.Response(body=b"<html>\xff", content_type="application/json")
        if self.fault == "redirect":
            raise web.HTTPFound("http://127.0.0.1:9/")
        return await handler(request)

    @asynccontextmanager
    async def running(self, host: str = "127.0.0.1") -> AsyncIterator[LocalProvider]:
        """`host` is by which name of this machine it is known."""
        app = web.Application(middlewares=[self._faulty])
        app.router.add_get("/.well-known/openid-configuration", self.discovery)
        app.router.add_get("/keys", self.keys)
        app.router.add_route("*", "/authorize", self.authorize)
        app.router.add_post("/token", self.exchange)
        app.router.add_post("/device", self.device)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://{host}:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()
