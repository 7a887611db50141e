"""Which target answers, and what may be promised about it.

Pure: no sockets, no files, no clock, no process-wide randomness. State comes in and goes out as
values; every random draw is made from a seed and a counter kept in the state.
"""

from shortstop.routing.agreement import heard
from shortstop.routing.contract import ContractReport, Evidence, Promise
from shortstop.routing.expected import explain
from shortstop.routing.fallbacks import Fallbacks
from shortstop.routing.graders import grade, grader_for
from shortstop.routing.learning import Feedback, Pair, Subject, winner
from shortstop.routing.overall import OverallReport
from shortstop.routing.policies import promise_of
from shortstop.routing.prior import Prior, load_prior, packaged
from shortstop.routing.reports import PromiseReports
from shortstop.routing.router import ROUTER, LearnedRouter
from shortstop.routing.rulings import Waits
from shortstop.routing.scorer import marks_of
from shortstop.routing.snapshot import dump_state, load_state
from shortstop.routing.state import PendingOutcome, State
from shortstop.routing.unlearned import UnlearnedRouter

__all__ = [
    "ROUTER",
    "ContractReport",
    "Evidence",
    "Fallbacks",
    "Feedback",
    "LearnedRouter",
    "OverallReport",
    "Pair",
    "PendingOutcome",
    "Prior",
    "Promise",
    "PromiseReports",
    "State",
    "Subject",
    "UnlearnedRouter",
    "Waits",
    "dump_state",
    "explain",
    "grade",
    "grader_for",
    "heard",
    "load_prior",
    "load_state",
    "marks_of",
    "packaged",
    "promise_of",
    "winner",
]
