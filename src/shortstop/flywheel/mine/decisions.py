"""What operators decided about tasks, in one small file: names, merges, splits, pins.

A task is named by "TENANT/ID", its id being the router's. Names that were given once stay, whoever
gave them, so that a task is called the same in every list.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shortstop.errors import ConfigError
from shortstop.flywheel.gather import TaskKey, TaskTraffic
from shortstop.private_files import make_folder, replace_file

FILE = "tasks.json"


class Decisions(Struct, frozen=True, forbid_unknown_fields=True):
    """`names` by task; `merged`: the task whose examples one shares; `split` ones are learned job
    by job; `pinned` ones are listed and learned first."""

    names: dict[str, str] = {}
    merged: dict[str, str] = {}
    split: tuple[str, ...] = ()
    pinned: tuple[str, ...] = ()

    def name(self, key: TaskKey) -> str:
        return self.names.get(place(key), key.task)

    def group(self, key: TaskKey) -> str:
        """What a task's examples are shared under: the task that it was merged into, or itself."""
        return self.merged.get(place(key), place(key))


def place(key: TaskKey) -> str:
    return f"{key.tenant}/{key.task}"


class DecisionFile:
    """Of the `workshop` folder. Raises ConfigError where it is damaged, OSError."""

    def __init__(self, workshop: Path) -> None:
        self._file = workshop / FILE

    def read(self) -> Decisions:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=Decisions)
        except FileNotFoundError:
            return Decisions()
        except msgspec.MsgspecError as error:
            raise ConfigError(
                f"{self._file} cannot be read: {error}.",
                hint="Mend it, or move it away: tasks then have no names and merges of yours.",
            ) from error

    def write(self, decisions: Decisions) -> None:
        make_folder(self._file.parent)
        document = msgspec.json.format(msgspec.json.encode(decisions))
        replace_file(self._file, document, flush=True)


def named(decisions: Decisions, names: Mapping[TaskKey, str]) -> Decisions:
    """With names for the tasks that have none yet; one that is taken gets the id's end."""
    known = dict(decisions.names)
    taken = set(known.values())
    for key, name in names.items():
        if place(key) not in known:
            unique = name if name not in taken else f"{name}-{key.task[-4:].strip('-')}"
            known[place(key)] = unique
            taken.add(unique)
    return replace(decisions, names=known)


def renamed(decisions: Decisions, key: TaskKey, name: str) -> Decisions:
    """Raises ConfigError where another task is called that."""
    for other, taken in decisions.names.items():
        if taken == name and other != place(key):
            raise ConfigError(f"Another task is called {name!r} already.")
    return replace(decisions, names={**decisions.names, place(key): name})


def merge(decisions: Decisions, keys: Iterable[TaskKey]) -> Decisions:
    """All into the first. Raises ConfigError for tasks of several tenants, or fewer than two."""
    first, *others = keys
    if not others or any(key.tenant != first.tenant for key in others):
        raise ConfigError("Only two or more tasks of one tenant can be merged.")
    into = decisions.group(first)
    merged = dict(decisions.merged) | {place(key): into for key in others}
    merged |= {one: into for one, to in merged.items() if to in {place(key) for key in others}}
    split = tuple(one for one in decisions.split if one not in merged)
    return replace(decisions, merged=merged, split=split)


def split(decisions: Decisions, key: TaskKey) -> Decisions:
    """A merged task is its own again; another is learned job by job."""
    if place(key) in decisions.merged:
        merged = {one: to for one, to in decisions.merged.items() if one != place(key)}
        return replace(decisions, merged=merged)
    return replace(decisions, split=tuple(dict.fromkeys((*decisions.split, place(key)))))


def pinned(decisions: Decisions, key: TaskKey, *, pin: bool) -> Decisions:
    others = tuple(one for one in decisions.pinned if one != place(key))
    return replace(decisions, pinned=(*others, place(key)) if pin else others)


def found(keys: Iterable[TaskKey], decisions: Decisions, said: str) -> TaskKey:
    """The task that is called so: by its name, its id, or TENANT/ID. Raises ConfigError where none
    or several are."""
    called = [k for k in keys if said in (decisions.name(k), k.task, place(k))]
    if len(called) == 1:
        return called[0]
    if called:
        options = ", ".join(place(key) for key in called)
        raise ConfigError(f"Several tasks are called {said!r}: {options}.")
    raise ConfigError(
        f"No traffic was recorded of the task {said!r}.",
        hint="`shortstop tasks` lists those that there are.",
    )


def share_examples(
    traffic: Mapping[TaskKey, TaskTraffic], decisions: Decisions
) -> dict[TaskKey, TaskTraffic]:
    """The same, but that tasks that were merged have all their examples, each as its own."""
    groups: dict[str, list[TaskTraffic]] = {}
    for key, one in traffic.items():
        groups.setdefault(decisions.group(key), []).append(one)
    out = dict(traffic)
    for group in groups.values():
        if len(group) > 1:
            rows = sorted((e for one in group for e in one.examples), key=lambda e: (e.at, e.id))
            for one in group:
                own = [msgspec.structs.replace(e, task=one.key.task) for e in rows]
                examples = deque(own, one.examples.maxlen)
                judged = {id: said for other in group for id, said in other.judged.items()}
                out[one.key] = dataclasses.replace(one, examples=examples, judged=judged)
    return out
