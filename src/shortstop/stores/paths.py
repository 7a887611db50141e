"""Where a gateway keeps its files: every name is written here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from glob import escape
from pathlib import Path

from shortstop.config import Config
from shortstop.private_files import all_in, tighten


@dataclass(frozen=True, slots=True)
class Paths:
    """The files of one gateway. All but `traces`, which the operator may move, are below `home`.

    Where `database` is a PostgreSQL URL, what the stores keep is there and in none of their files.
    """

    home: Path
    traces: Path
    database: str = field(default="", repr=False)

    @classmethod
    def of(cls, home: Path, config: Config) -> Paths:
        """As `config` says; `home` is its data folder."""
        return cls(home, Path(config.traces.path) if config.traces.path else home / "traces.db")

    def reading(self, traces: Path | None) -> Paths:
        """The same, with the rows of this file where one is named."""
        return self if traces is None else replace(self, traces=traces, database="")

    @property
    def journal(self) -> Path:
        """The folder of rows that the database does not hold yet."""
        return self.traces.with_name(self.traces.name + ".journal")

    @property
    def responses(self) -> Path:
        return self.home / "responses.db"

    @property
    def batches(self) -> Path:
        """Files that clients upload, and batches of requests."""
        return self.home / "batches.db"

    @property
    def sessions(self) -> Path:
        """Of the person whose folder it is, at gateways: what `shortstop login` got."""
        return self.home / "sessions.json"

    @property
    def accounts(self) -> Path:
        return self.home / "accounts.db"

    @property
    def owners(self) -> Path:
        """The folder of one locked file for each process that owns something in the stores."""
        return self.home / "owners"

    @property
    def taints(self) -> Path:
        return self.home / "taint.db"

    @property
    def runs(self) -> Path:
        """Runs of agents, as long as they go on."""
        return self.home / "runs.db"

    @property
    def vault(self) -> Path:
        return self.home / "vault.db"

    @property
    def overrides(self) -> Path:
        """Routes of tasks that were set by hand."""
        return self.home / "routes.json"

    @property
    def brain(self) -> Path:
        """The router's saved state."""
        return self.home / "brain.bin"

    @property
    def admin_token(self) -> Path:
        """What administrators of this machine show."""
        return self.home / "admin.token"

    @property
    def changes(self) -> Path:
        """What was done in the console, where no audit log is configured."""
        return self.home / "changes.log"

    @property
    def erased(self) -> Path:
        """Touched whenever something is erased: workers forget what they hold in memory."""
        return self.home / "erased"

    @property
    def offers(self) -> Path:
        """Which models the upstreams have said that they have."""
        return self.home / "offers.json"

    @property
    def alerts(self) -> Path:
        """Which troubles people have been told of, and what they have not been told yet."""
        return self.home / "alerts.json"

    @property
    def models(self) -> Path:
        """The registry's folder."""
        return self.home / "models"

    @property
    def workshop(self) -> Path:
        """The folder of what nights of learning remember: tasks, examinations, what was tried."""
        return self.home / "workshop"

    @property
    def content_key(self) -> Path:
        """What content is sealed with, where the operator names no key."""
        return self.home / "content.key"

    @property
    def run(self) -> Path:
        """The folder of what the workers of one supervisor share."""
        return self.home / "run"

    @property
    def news(self) -> Path:
        """The folder of what this machine has learned and others have not been told yet."""
        return self.home / "news"

    @property
    def run_lock(self) -> Path:
        """Held by the gateway that serves from `home`, of one process or of several."""
        return self.home / "run.lock"

    def tighten(self) -> None:
        """Take from everything of the gateway's what others may do with it."""
        tighten(self._everything())

    def _everything(self) -> Iterator[Path]:
        """The data folder, the files in it, and all that is in the folders that are ours. Other
        folders in it are somebody else's: a careless `data_dir` may name a home directory."""
        home = self.home.resolve()
        yield home
        yield from (path for path in home.iterdir() if path.is_file())
        for folder in (
            self.run,
            self.news,
            self.journal,
            self.models,
            self.owners,
            self.workshop,
        ):
            yield from all_in(folder)
        yield from self.traces.parent.glob(f"{escape(self.traces.name)}*")
