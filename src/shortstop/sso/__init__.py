"""Single sign-on by OpenID Connect: the provider's documents, tokens and groups. No sockets."""

from shortstop.sso.fetch import Fetch, Fetched
from shortstop.sso.person import Person, Rights
from shortstop.sso.signon import DeviceOffer, Handshake, SignOn

__all__ = ["DeviceOffer", "Fetch", "Fetched", "Handshake", "Person", "Rights", "SignOn"]
