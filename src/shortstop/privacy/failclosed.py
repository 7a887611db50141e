"""Failing closed: the only places in privacy that catch any failure at all.

Whatever breaks in a detector, a policy or a store, the request stays on this machine.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

from shortstop.errors import PrivacyRefused

log = logging.getLogger(__name__)

T = TypeVar("T")


def guarded(work: Callable[[], T], otherwise: Callable[[Exception], T]) -> T:
    """The result of `work`, or what `otherwise` makes of its failure."""
    try:
        return work()
    except Exception as error:
        return otherwise(error)


class refused_on_failure:
    """Turns every failure in its block into PrivacyRefused(`message`), logged by type alone: an
    exception's own text may quote the request. A PrivacyRefused passes as it is."""

    __slots__ = ("_message",)

    def __init__(self, message: str) -> None:
        self._message = message

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        if isinstance(error, Exception) and not isinstance(error, PrivacyRefused):
            log.error("%s The request stays (%s).", self._message, type(error).__name__)
            raise PrivacyRefused(self._message) from error
