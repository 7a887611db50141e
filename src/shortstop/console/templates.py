"""The console's templates: compiled once, every value escaped, an unknown name an error.

Jinja2 and not a library of typed elements: a list of fifty rows takes it half a millisecond of the
interpreter that the street needs too, not five (docs/lab.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from markupsafe import Markup

from shortstop.console.format import UNKNOWN, energy, grams, seconds, share, span, usd
from shortstop.console.visible import visible

if TYPE_CHECKING:
    from jinja2 import Environment

STATIC: Mapping[str, str] = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "uPlot.iife.min.js": "text/javascript; charset=utf-8",
    "uPlot.min.css": "text/css; charset=utf-8",
}
"""Files that pages load, with their types: nothing else is served."""


@cache
def static(name: str) -> bytes:
    """One of STATIC."""
    return (resources.files("shortstop.console") / "static" / name).read_bytes()


@cache
def version(name: str) -> str:
    """Changes with the file: its address may be kept for good."""
    return hashlib.sha256(static(name)).hexdigest()[:12]


def render(name: str, **values: object) -> str:
    """The page or the part of one in the template `name`."""
    return _environment().get_template(name).render(values)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # for those who open a page

    made = Environment(
        loader=PackageLoader("shortstop.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "usd": lambda amount: UNKNOWN if amount is None else usd(amount),
        "share": share,
        "seconds": seconds,
        "energy": energy,
        "grams": grams,
        "span": span,
        "count": lambda number: f"{number:,}",
        "shown": lambda text: UNKNOWN if text is None else visible(str(text)),
        "when": _when,
    }
    made.globals |= {"url": url, "static": lambda name: f"static/{name}?v={version(name)}"}
    return made


def _when(at: float) -> Markup:
    """A moment in UTC; a script turns it into the viewer's zone."""
    try:
        utc = datetime.fromtimestamp(at, UTC)
    except (ValueError, OverflowError, OSError):
        return Markup("a time without a date")
    return Markup('<time datetime="{}">{} UTC</time>').format(
        utc.strftime("%Y-%m-%dT%H:%M:%SZ"), utc.strftime("%Y-%m-%d %H:%M:%S")
    )


def url(path: str, **query: object) -> str:
    """A link to `path` with those parts of the query that say something."""
    said = {name: value for name, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode(said)}" if said else path
