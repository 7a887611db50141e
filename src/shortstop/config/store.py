"""`[store]`: where everything is kept that lasts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import parse_qs, quote, urlsplit

from shortstop.config.section import Lifetime, Section, Variable

SCHEMES = ("postgresql", "postgres")


class StoreConfig(Section, frozen=True):
    """Where rows, keys, budgets and all else that lasts is kept.

    Without a `url` in SQLite files in the data folder: one machine, any number of workers.
    `postgresql://USER@HOST:PORT/NAME` keeps it in that PostgreSQL database (15 or newer; the extra
    `[postgres]`), which several machines may share; rows wait in the data folder's journal while it
    cannot be reached. The password is in the environment variable `password_env`, or in a file as
    libpq knows it (`?passfile=`), never in the URL.
    """

    lifetime: ClassVar[Lifetime] = "process"

    url: str | None = None
    password_env: Variable = "SHORTSTOP_STORE_PASSWORD"  # noqa: S105 - a name


def problem_of_store(url: str) -> tuple[str, str] | None:
    """Why `url` names no database, and what to do; None where it does. Never shows a password."""
    try:
        parts = urlsplit(url)
        password, scheme = parts.password, parts.scheme
        named = parse_qs(parts.query)
    except ValueError:
        password, scheme, named = None, "", {}
    if password is not None or "password" in named:
        hint = "Put it in the variable that `password_env` names."
        return "a URL must not hold a password.", hint
    if scheme not in SCHEMES:
        return "is no URL of PostgreSQL.", "Write postgresql://USER@HOST:PORT/NAME."
    return None


def host_of_store(url: str) -> str:
    """Empty where it is a socket of this machine."""
    parts = urlsplit(url)
    hosts = parse_qs(parts.query).get("host", [parts.netloc.rpartition("@")[2]])
    return "" if hosts[0].startswith("/") else hosts[0]


def store_url(config: StoreConfig, env: Mapping[str, str]) -> str:
    """The URL with its password, "" where there is none. Not to be shown."""
    if config.url is None:
        return ""
    password = env.get(config.password_env, "")
    if not password:
        return config.url
    return f"{config.url}{'&' if '?' in config.url else '?'}password={quote(password, safe='')}"
