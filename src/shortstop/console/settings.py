"""The configuration in force, and the keys."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from shortstop.console.templates import render
from shortstop.console.view import View
from shortstop.types.console import KeyLine, SettingLine


class Settings(Struct, frozen=True):
    """`file` is where the configuration is from. `done` says what was just changed; `secret` is
    that of a key that was just made, shown this once."""

    keys: Sequence[KeyLine]
    settings: Sequence[SettingLine]
    file: str
    first: bool
    done: str = ""
    secret: str = ""


def page(view: View, settings: Settings) -> str:
    return render("settings.html", view=view, it=settings)
