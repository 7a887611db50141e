"""Lines of logs: what was asked, what was answered, what it took and cost.

One reader for `backtest`, `replay`, `tasks --from`, `learn --anchor` and `traces import`. A line is
a request body, a pair of request and response in any dialect of the table, a row of `shortstop
traces export`, a line of a batch, or a row that another gateway exported.
"""

from __future__ import annotations

from shortstop.dialects.logs.bodies import CHAT
from shortstop.dialects.logs.forms import read_line
from shortstop.dialects.logs.line import LogLine, NoModelCall, tree_of
from shortstop.types import Json, Usage

__all__ = ["CHAT", "LogLine", "NoModelCall", "asked", "read_line", "tree_of", "unwrap"]


def asked(line: str | bytes) -> LogLine:
    """The one call of a line, with what was asked. Raises ValueError."""
    found = read_line(line)
    if len(found) != 1 or found[0].body is None:
        raise ValueError("a row without the request")
    return found[0]


def unwrap(line: str | bytes) -> tuple[Json, Usage | None]:
    """The request body of a line, and the usage that was logged with it. Raises ValueError."""
    found = asked(line)
    assert found.body is not None
    return found.body, found.usage
