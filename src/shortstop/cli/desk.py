"""The accounts of a gateway as commands open them, and the log of what commands do to them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from shortstop.accounts import Accounts, Key
from shortstop.app.acts import note_act
from shortstop.app.places import data_paths
from shortstop.cli.output import say
from shortstop.config import Config, load
from shortstop.errors import InvalidRequest, NotFound
from shortstop.stores import Paths, open_stores


@dataclass(frozen=True, slots=True)
class AccountsDesk:
    """`with desk(config) as open: ...`"""

    accounts: Accounts
    config: Config
    paths: Paths

    def note(self, what: str, *, needed: bool) -> None:
        """Before it is done: what is `needed` and cannot be written down is not done."""
        problem = note_act(self.config, os.environ, self.paths, what, needed=needed)
        if problem:
            say(f"This is not in the log of changes: {problem}", err=True)

    def active(self, named: str) -> Key:
        """The key in use that has this id or name. Raises NotFound, also for several."""
        active = [key for key in self.accounts.keys.all() if key.revoked is None]
        matching = [key for key in active if named in (key.id, key.name)]
        if len(matching) != 1:
            what = f"{len(matching)} keys are called" if matching else "No active key is called"
            raise NotFound(f"{what} {named!r}.", hint="`shortstop keys list` shows their ids.")
        return matching[0]


@contextmanager
def desk(config: Path | None) -> Iterator[AccountsDesk]:
    """The accounts of the gateway that `config` describes, closed with the block."""
    settings = load(config, os.environ)
    paths = data_paths(settings, os.environ)
    accounts = Accounts(open_stores(paths).accounts(), time)
    try:
        yield AccountsDesk(accounts, settings, paths)
    finally:
        accounts.close()


def dollars_in(text: str) -> Decimal:
    """US dollars as people write them. Raises InvalidRequest."""
    try:
        return Decimal(text.removeprefix("$"))
    except InvalidOperation:
        raise InvalidRequest(
            f"{text!r} is not an amount of US dollars, such as 25 or 0.50."
        ) from None
