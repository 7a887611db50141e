"""The import rule: who may know whom, held by the syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "shortstop"

VOCABULARY = {
    "types", "errors", "tokens", "money", "bounded", "private_files", "faults", "schemas",
}  # fmt: skip
LOW = VOCABULARY | {"ports", "config", "fair", "beside"}
MAY_IMPORT: dict[str, set[str]] = {
    "types": set(),
    "errors": set(),
    "tokens": {"types"},
    "money": set(),
    "bounded": set(),
    "private_files": {"errors"},
    "faults": {"errors"},
    "schemas": {"types"},
    "fair": VOCABULARY,
    "beside": VOCABULARY,
    "ports": VOCABULARY,
    "config": VOCABULARY,
    "dialects": LOW,
    "registry": LOW,
    "privacy": LOW,
    "routing": LOW,
    "ledger": LOW,
    "traces": LOW,
    "accounts": LOW,
    "alerts": LOW,
    "sso": LOW,
    "batches": LOW,
    "stores": LOW | {"traces"},
    "telemetry": LOW,
    "specialists": LOW,
    "serving": LOW | {"dialects", "registry", "specialists"},
    "runs": LOW,
    "pipeline": LOW | {"runs", "privacy", "routing", "serving", "ledger", "dialects"},
    "workers": LOW | {"routing", "serving"},
    "evaluate": LOW | {"privacy", "routing", "ledger", "dialects"},
    "flywheel": LOW
    | {"dialects", "registry", "privacy", "routing", "ledger", "traces", "specialists"},
    "backtest": LOW | {"dialects", "routing", "ledger", "specialists", "evaluate", "flywheel"},
    "console": LOW | {"ledger", "evaluate", "backtest"},
    "server": LOW
    | {"dialects", "accounts", "batches", "traces", "console", "sso"},  # console: its pages
}
FREE = {"app", "cli", "__main__"}
"""The composition root and the commands may import every room."""

MAY_SPEAK_SQL = "stores"
DRIVERS = {"sqlite3", "psycopg"}
FORBIDDEN_NAMES = {"utils", "common", "helpers", "manager"}
SOCKETS = {"aiohttp", "httpx", "requests", "urllib3", "urllib.request", "socket", "http.client"}
MAY_OPEN_SOCKETS = {"registry/hub.py", "app/listener.py", "app/worker.py"}
"""Model files from a hub, and the listening socket."""
OPENERS = {"create_connection", "open_connection", "sock_connect", "create_unix_connection"}
MAY_CONNECT = {"serving/way.py"}
MAY_USE_CONNECTIONS = {"serving/http.py", "serving/connection.py", "serving/way.py"}


@dataclass(frozen=True)
class Source:
    """A module of ours: its path below the package, whom it imports, its syntax."""

    name: str
    nodes: list[ast.AST]
    imports: frozenset[str]

    @property
    def room(self) -> str:
        return self.name.split("/")[0].removesuffix(".py")

    @property
    def rooms_used(self) -> set[str]:
        used = {name.split(".")[1] for name in self.imports if name.startswith("shortstop.")}
        return {u for u in used if (SOURCE / u).exists() or (SOURCE / f"{u}.py").exists()}


@pytest.fixture(scope="module")
def sources() -> list[Source]:
    return [source(path) for path in sorted(SOURCE.rglob("*.py"))]


def source(path: Path) -> Source:
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    package = ["shortstop", *path.relative_to(SOURCE).parent.parts]
    return Source(path.relative_to(SOURCE).as_posix(), nodes, frozenset(imported(nodes, package)))


def imported(nodes: Iterable[ast.AST], package: list[str]) -> Iterator[str]:
    """Every imported module, absolute, wherever in the file the import stands."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, node.module or ""]).strip(".")
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def breaches(sources: list[Source], found: Callable[[Source], Set[str]]) -> dict[str, Set[str]]:
    """Module -> what is wrong with it, of those where something is."""
    return {one.name: wrong for one in sources if (wrong := found(one))}


def test_a_room_imports_only_what_it_may(sources: list[Source]) -> None:
    ruled = [one for one in sources if one.room not in FREE | {"__init__"}]
    new = {one.room for one in ruled} - set(MAY_IMPORT)
    assert not new, "new rooms: say in MAY_IMPORT whom they may know"
    beyond = breaches(ruled, lambda one: one.rooms_used - MAY_IMPORT[one.room] - {one.room})
    assert beyond == {}


def test_no_nameless_rooms(sources: list[Source]) -> None:
    parts = breaches(
        sources, lambda one: FORBIDDEN_NAMES & set(one.name.removesuffix(".py").split("/"))
    )
    assert parts == {}


def test_sockets_are_opened_in_one_place(sources: list[Source]) -> None:
    """The one HTTP client that can leave the machine lives in one module."""
    others = [one for one in sources if one.name not in MAY_OPEN_SOCKETS]
    assert breaches(others, lambda one: SOCKETS & one.imports) == {}


def test_connections_are_made_in_one_module(sources: list[Source]) -> None:
    def called(one: Source) -> set[str]:
        return OPENERS & {node.attr for node in one.nodes if isinstance(node, ast.Attribute)}

    assert breaches([one for one in sources if one.name not in MAY_CONNECT], called) == {}


def test_connections_are_used_in_one_room(sources: list[Source]) -> None:
    others = [one for one in sources if one.name not in MAY_USE_CONNECTIONS]
    assert breaches(others, lambda one: {"shortstop.serving.connection"} & one.imports) == {}


def test_databases_are_behind_ports(sources: list[Source]) -> None:
    others = [one for one in sources if one.room != MAY_SPEAK_SQL]
    assert breaches(others, lambda one: DRIVERS & {n.split(".")[0] for n in one.imports}) == {}


def test_the_server_never_imports_litellm(sources: list[Source]) -> None:
    def packages(one: Source) -> set[str]:
        return {name.split(".")[0] for name in one.imports}

    assert breaches(sources, lambda one: {"litellm"} & packages(one)) == {}


def test_what_few_need_is_imported_late(sources: list[Source]) -> None:
    """At the start of a gateway without single sign-on nobody waits for it."""

    def at_the_top(one: Source) -> set[str]:
        tree = next(node for node in one.nodes if isinstance(node, ast.Module))
        return {name.split(".")[0] for name in imported(tree.body, ["shortstop"])} & {"joserfc"}

    assert breaches(sources, at_the_top) == {}
    assert [one.name for one in sources if "joserfc" in one.imports] == ["sso/token.py"]


def test_only_privacy_makes_a_cleared_request(sources: list[Source]) -> None:
    def making(one: Source) -> set[str]:
        return {
            f"line {node.lineno}"
            for node in one.nodes
            if isinstance(node, ast.Call)
            and "Cleared" in (getattr(node.func, "attr", ""), getattr(node.func, "id", ""))
        }

    assert breaches([one for one in sources if one.room != "privacy"], making) == {}


def test_routing_is_pure(sources: list[Source]) -> None:
    """No clock, no files, no process-wide randomness in the decision."""
    banned = {"time", "asyncio", "os", "random", "socket", "sqlite3", "datetime"}
    routing = [one for one in sources if one.room == "routing"]
    assert routing
    assert breaches(routing, lambda one: banned & one.imports) == {}
