"""Who learned what, from whom, how it was examined, and who answers now."""

from __future__ import annotations

from collections.abc import Sequence

from shortstop.console.templates import render
from shortstop.console.view import View
from shortstop.types.console import SpecialistLine


def page(view: View, specialists: Sequence[SpecialistLine], done: str = "") -> str:
    """`done` says what was just changed."""
    return render("specialists.html", view=view, specialists=specialists, done=done)
