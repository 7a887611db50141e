"""The brain: which target answers, and what may be promised about it.

Pure: no sockets, no files, no clock, no process-wide randomness. State comes in and goes out as
values; every random draw is made from a seed and a counter kept in the state.
"""

from shortstop.routing.contract import ContractReport, Evidence, Promise
from shortstop.routing.graders import grade
from shortstop.routing.learning import Feedback, Pair
from shortstop.routing.overall import OverallReport
from shortstop.routing.policies import promise_of
from shortstop.routing.prior import Prior, load_prior, packaged
from shortstop.routing.router import ROUTER, LearnedRouter
from shortstop.routing.scorer import marks_of
from shortstop.routing.state import State

__all__ = [
    "ROUTER",
    "ContractReport",
    "Evidence",
    "Feedback",
    "LearnedRouter",
    "OverallReport",
    "Pair",
    "Prior",
    "Promise",
    "State",
    "grade",
    "load_prior",
    "marks_of",
    "packaged",
    "promise_of",
]
