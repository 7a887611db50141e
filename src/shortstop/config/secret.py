"""API keys from the environment, refused where no vendor could read them. Never shown."""

from __future__ import annotations

import re
from collections.abc import Mapping

from shortstop.errors import ConfigError

QUOTES = ("'", '"', "\u2018", "\u2019", "\u201c", "\u201d", "`")
VARIABLE = re.compile(r"\$([A-Z_][A-Z0-9_]*)")


def filled_in(text: str, env: Mapping[str, str]) -> str:
    """`text` with the value of NAME in place of each `$NAME`. Raises ConfigError, which does not
    show it, for a value that is missing or cannot stand in a header."""

    def value(found: re.Match[str]) -> str:
        secret = api_key(env, found[1])
        if secret is None:
            raise ConfigError(f"{found[1]} is not set.", hint=f"export {found[1]}=...")
        return secret

    return VARIABLE.sub(value, text)


def api_key(env: Mapping[str, str], variable: str) -> str | None:
    """The key in `variable`, without space around it; None where there is none.

    Raises ConfigError, which does not show it, for one that cannot stand in a header.
    """
    key = env.get(variable, "").strip()
    if not key:
        return None
    if key.startswith(QUOTES) or key.endswith(QUOTES):
        raise _broken(variable, "has quotation marks around it")
    if any(c.isspace() for c in key):
        raise _broken(variable, "holds a space or a line break")
    if not (key.isascii() and key.isprintable()):
        raise _broken(variable, "holds a character that no key has")
    return key


def _broken(variable: str, what: str) -> ConfigError:
    return ConfigError(
        f"The key in {variable} {what}.", hint=f"Set it again: export {variable}=... with no more."
    )
