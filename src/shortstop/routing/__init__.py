"""The brain: which target answers, and what may be promised about it.

Pure: no sockets, no files, no clock, no process-wide randomness. State comes in and goes out as
values; every random draw is made from a seed and a counter kept in the state.
"""

from .brain import ROUTER, Brain
from .state import State

__all__ = ["ROUTER", "Brain", "State"]
