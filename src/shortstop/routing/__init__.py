"""The brain: which target answers, and what may be promised about it.

Pure: no sockets, no files, no clock, no process-wide randomness. State comes in and goes out as
values; every random draw is made from a seed and a counter kept in the state.
"""

from .brain import ROUTER, Brain
from .contract import Evidence, Promise, Report
from .gate import marks_of
from .graders import grade
from .learning import Feedback, Pair
from .overall import OverallReport
from .prior import Prior, load_prior, packaged
from .state import State
from .terms import promise_of

__all__ = [
    "ROUTER",
    "Brain",
    "Evidence",
    "Feedback",
    "OverallReport",
    "Pair",
    "Prior",
    "Promise",
    "Report",
    "State",
    "grade",
    "load_prior",
    "marks_of",
    "packaged",
    "promise_of",
]
