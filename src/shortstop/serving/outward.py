"""The way out to one upstream, made of what its table says: address, headers, proxy, trust."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from shortstop.config import MODEL_PLACE, UpstreamConfig, api_key, filled_in, proxy_of
from shortstop.dialects import Vendor
from shortstop.errors import ConfigError
from shortstop.serving.http import Egress, Lister, Timeouts
from shortstop.serving.key_file import KeyFile
from shortstop.serving.tls import client_context, expired, trust
from shortstop.serving.way import Way

VERSION = "/v1"
"""The version of an API that stands in its address."""
CA_VARIABLE = "SSL_CERT_FILE"


def base_of(url: str, vendor: Vendor) -> str:
    """The address before a vendor's paths, with or without a version, a slash or the last path in
    what the operator wrote. A query, such as Azure's, is kept; what is each model's own is not."""
    parts = urlsplit(url)
    if MODEL_PLACE in parts.path:
        path = parts.path.partition(MODEL_PLACE)[0].rstrip("/")
    else:
        path = _trimmed(parts.path, vendor)
        if not path and not vendor.path.startswith(f"{VERSION}/"):
            path = VERSION
    return urlunsplit(parts._replace(path=path))


def place_of(url: str, vendor: Vendor, model: str) -> str:
    """What stands between that and the paths of one model: "" where all share their address."""
    _, found, rest = urlsplit(url).path.partition(MODEL_PLACE)
    return f"/{quote(model, safe='')}{_trimmed(rest, vendor)}" if found else ""


def _trimmed(path: str, vendor: Vendor) -> str:
    path = path.rstrip("/").removesuffix(vendor.path).rstrip("/")
    return path.removesuffix(VERSION) if vendor.path.startswith(f"{VERSION}/") else path


def egress_for(
    config: UpstreamConfig, vendor: Vendor, env: Mapping[str, str], *, name: str
) -> Egress:
    """The way out to the upstream `name`. Raises ConfigError when its API key, proxy or
    certificates are not usable."""
    return Egress(
        _address(config, vendor),
        targets=frozenset(config.models),
        headers=_headers(config, vendor, env, name),
        timeouts=Timeouts(
            config.connect_timeout,
            config.first_byte_timeout,
            config.idle_timeout,
            config.total_timeout,
        ),
        connections=config.connections,
        max_answer=int(config.max_answer_mb * 1_000_000),
        way=way_of(config, env, name=name),
    )


def lister_for(
    config: UpstreamConfig, vendor: Vendor, env: Mapping[str, str], *, name: str
) -> Lister:
    """What asks the upstream `name` for its models. Raises ConfigError as `egress_for` does."""
    way = way_of(config, env, name=name)
    headers = _headers(config, vendor, env, name)
    if config.api_key_file is not None:
        headers = {**KeyFile(config.api_key_file, vendor).headers(), **headers}
    return Lister(_address(config, vendor), vendor.models, headers, way)


def way_of(config: UpstreamConfig, env: Mapping[str, str], *, name: str) -> Way:
    """How the upstream `name` is reached. Raises ConfigError."""
    proxy, tls = proxy_of(config, env, name=name), tls_of(config, env, name=name)
    return Way(proxy=proxy, socket=config.socket, tls=tls)


def doubts(config: UpstreamConfig, *, name: str) -> Iterator[str]:
    """What will not work as it is, though the files can be read, one sentence each."""
    for key in ("ca_file", "client_cert"):
        file = getattr(config, key)
        since = file and expired(file, all_of_them=key == "ca_file")
        if since:
            yield f"upstreams.{name}.{key}: {file} has expired on {since:%Y-%m-%d}."


def tls_of(config: UpstreamConfig, env: Mapping[str, str], *, name: str) -> ssl.SSLContext | None:
    """Whom to trust and what to show there; None: as the system does. Raises ConfigError."""
    own = config.ca_file or config.client_cert or env.get(CA_VARIABLE)
    if not own or urlsplit(config.base_url).scheme != "https":
        return None
    context = client_context(
        ca_file=config.ca_file,
        cert=config.client_cert,
        key=config.client_key,
        named_by=f"upstreams.{name}",
    )
    if config.ca_file is None and (file := env.get(CA_VARIABLE)):
        trust(context, file, CA_VARIABLE)
    return context


def _address(config: UpstreamConfig, vendor: Vendor) -> str:
    parts = urlsplit(base_of(config.base_url, vendor))
    queries = (parts.query, urlencode(config.query))
    return urlunsplit(parts._replace(query="&".join(filter(None, queries))))


def _headers(
    config: UpstreamConfig, vendor: Vendor, env: Mapping[str, str], name: str
) -> dict[str, str]:
    """The vendor's own, its key, and those that the operator adds or sets otherwise."""
    headers = dict(vendor.headers)
    if config.api_key_env is not None:
        key = api_key(env, config.api_key_env)
        if key is None:
            raise ConfigError(
                f"The key of upstream {name!r} is missing: {config.api_key_env} is not set.",
                hint=f"export {config.api_key_env}=... or remove [upstreams.{name}].",
            )
        headers |= vendor.key(key)
    for header, value in config.headers.items():
        headers[header.lower()] = filled_in(value, env)
    return headers
