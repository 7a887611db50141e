"""A gateway that knows the toy dialect: `python -m tests.dialects.gateway_with_toy serve ...`."""

from __future__ import annotations

from shortstop import dialects
from shortstop.cli import main
from tests.dialects.toy import Parrot

if __name__ == "__main__":
    dialects.register(Parrot())
    main()
