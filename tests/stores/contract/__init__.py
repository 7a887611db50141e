"""What every implementation of `ports.stores` must do, whatever database is behind it.

A module that tests an implementation subclasses these and has a fixture `stores`, which gives a
fresh, empty `Stores` that can be pickled. Each call of one of its methods opens another handle to
the same data, as another worker would.
"""

from tests.stores.contract.accounts import AccountStoreContract
from tests.stores.contract.batches import BatchStoreContract, FileStoreContract
from tests.stores.contract.grades import GradeContract
from tests.stores.contract.lake import LakeContract
from tests.stores.contract.leases import LeaseContract
from tests.stores.contract.levels import BudgetLevelContract
from tests.stores.contract.replicas import EventStoreContract, LeaderStoreContract
from tests.stores.contract.responses import ResponseStoreContract
from tests.stores.contract.runs import RunStoreContract
from tests.stores.contract.specialists import SpecialistStoreContract
from tests.stores.contract.surrogates import SharedSurrogateStoreContract, SurrogateStoreContract
from tests.stores.contract.taints import TaintRisesContract, TaintStoreContract
from tests.stores.contract.traces import RowStoreContract

__all__ = [
    "AccountStoreContract",
    "BatchStoreContract",
    "BudgetLevelContract",
    "EventStoreContract",
    "FileStoreContract",
    "GradeContract",
    "LakeContract",
    "LeaderStoreContract",
    "LeaseContract",
    "ResponseStoreContract",
    "RowStoreContract",
    "RunStoreContract",
    "SharedSurrogateStoreContract",
    "SpecialistStoreContract",
    "SurrogateStoreContract",
    "TaintRisesContract",
    "TaintStoreContract",
]
