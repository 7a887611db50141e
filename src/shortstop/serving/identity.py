"""Asks an identity provider, or the gateway that a command is for, through the proxy that the
environment names; and reads little."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec import Struct

from shortstop.config import UpstreamConfig, is_local_url, proxy_of
from shortstop.errors import SignOnUnavailable, UpstreamFailed, UpstreamTimeout
from shortstop.serving.http import NO_HEADERS, OperatorClient, Timeouts
from shortstop.serving.response import MAX_ERROR, HttpReply
from shortstop.serving.way import Way

FORM = {"content-type": "application/x-www-form-urlencoded"}
ACCEPT = {"accept": "application/json"}


class Document(Struct, frozen=True):
    """An answer that was read whole."""

    status: int
    body: bytes


class IdentityFetch:
    """Implements sso.Fetch. It follows no redirect, and an answer takes at most `seconds`. `tls` of
    None trusts whom the system trusts. `airgap`: only addresses of this machine or a private
    network are asked."""

    def __init__(
        self,
        seconds: float,
        env: Mapping[str, str],
        tls: ssl.SSLContext | None = None,
        *,
        airgap: bool = False,
    ) -> None:
        self._airgap = airgap
        self._seconds = seconds
        self._env = env
        self._tls = tls

    async def get(self, url: str) -> Document:
        """Raises SignOnUnavailable."""
        return await self._ask(url, None, NO_HEADERS)

    async def post(
        self, url: str, form: Mapping[str, str], headers: Mapping[str, str] = NO_HEADERS
    ) -> Document:
        """Raises SignOnUnavailable."""
        return await self._ask(url, urlencode(form).encode(), {**FORM, **headers})

    async def post_json(
        self, url: str, document: object, headers: Mapping[str, str] = NO_HEADERS
    ) -> Document:
        """Raises SignOnUnavailable."""
        return await self._ask(url, msgspec.json.encode(document), headers)

    async def send(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str]
    ) -> Document:
        """JSON, with any method, and once. Raises SignOnUnavailable."""
        return await self._ask(url, body, headers, method)

    async def _ask(
        self, url: str, body: bytes | None, headers: Mapping[str, str], method: str | None = None
    ) -> Document:
        if self._airgap and not is_local_url(url):
            raise SignOnUnavailable(
                "airgap = true, and the identity provider names an address elsewhere."
            )
        parts = urlsplit(url)
        host = f"{parts.scheme}://{parts.netloc}"
        path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        way = Way(
            proxy=proxy_of(UpstreamConfig(base_url=host), self._env, name="sso"), tls=self._tls
        )
        seconds = self._seconds
        timeouts = Timeouts(seconds, seconds, seconds, seconds)
        client = OperatorClient(host, timeouts, way, {**ACCEPT, **headers})
        try:
            async with asyncio.timeout(seconds):
                reply = await _sent(client, path, body, method)
        except (TimeoutError, UpstreamTimeout):
            raise SignOnUnavailable(
                f"{host} did not answer within {seconds:g} s.",
                hint="Try again in a moment; the operator can raise `timeout` under [sso].",
            ) from None
        except UpstreamFailed as error:
            raise _unavailable(host, error) from None
        finally:
            await client.close()
        return Document(reply.status, reply.body)


async def _sent(
    client: OperatorClient, path: str, body: bytes | None, method: str | None
) -> HttpReply:
    if method is not None:
        return await client.ask(method, path, body or b"", NO_HEADERS)
    return await (client.get(path) if body is None else client.post(path, body))


def _unavailable(host: str, error: UpstreamFailed) -> SignOnUnavailable:
    if error.code == "answer_too_large":
        what = f"sends more than {MAX_ERROR / 1e6:g} MB"
        return SignOnUnavailable(f"{host} {what}, which is no document of an identity provider.")
    if error.code == "upstream_certificate":
        return SignOnUnavailable(
            f"The certificate of {host} is not trusted.",
            hint="The operator names whom to trust in `ca_file` under [sso], or in SSL_CERT_FILE.",
        )
    if (error.code or "").startswith("proxy_"):
        return SignOnUnavailable(f"{host} cannot be reached: {error.message}", hint=error.hint)
    kind = type(error.__cause__ or error).__name__
    return SignOnUnavailable(f"{host} cannot be reached ({kind}).", hint="Try again in a moment.")
