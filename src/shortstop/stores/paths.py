"""Where a gateway keeps its files: every name is written here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from glob import escape
from pathlib import Path

from shortstop.config import Config
from shortstop.private_files import all_in


@dataclass(frozen=True, slots=True)
class Paths:
    """The files of one gateway. All but `traces`, which the operator may move, are below `home`."""

    home: Path
    traces: Path

    @classmethod
    def of(cls, home: Path, config: Config) -> Paths:
        """As `config` says; `home` is its data folder."""
        return cls(home, Path(config.traces.path) if config.traces.path else home / "traces.db")

    @property
    def journal(self) -> Path:
        """The folder of rows that the database does not hold yet."""
        return self.traces.with_name(self.traces.name + ".journal")

    @property
    def responses(self) -> Path:
        return self.home / "responses.db"

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
    def vault(self) -> Path:
        return self.home / "vault.db"

    @property
    def brain(self) -> Path:
        """The router's saved state."""
        return self.home / "brain.bin"

    @property
    def admin_token(self) -> Path:
        """What administrators of this machine show."""
        return self.home / "admin.token"

    @property
    def models(self) -> Path:
        """The registry's folder."""
        return self.home / "models"

    @property
    def content_key(self) -> Path:
        """What content is sealed with, where the operator names no key."""
        return self.home / "content.key"

    @property
    def run(self) -> Path:
        """The folder of what the workers of one supervisor share."""
        return self.home / "run"

    @property
    def run_lock(self) -> Path:
        """Held by the gateway that serves from `home`, of one process or of several."""
        return self.home / "run.lock"

    def everything(self) -> Iterator[Path]:
        """The data folder, the files in it, and all that is in the folders that are ours. Other
        folders in it are somebody else's: a careless `data_dir` may name a home directory."""
        home = self.home.resolve()
        yield home
        yield from (path for path in home.iterdir() if path.is_file())
        for folder in (self.run, self.journal, self.models, self.owners):
            yield from all_in(folder)
        yield from self.traces.parent.glob(f"{escape(self.traces.name)}*")
