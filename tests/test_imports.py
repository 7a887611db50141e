"""The import rule: who may know whom, held by the syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "shortstop"

VOCABULARY = {
    "types", "errors", "tokens", "money", "bounded", "private_files", "faults", "schemas",
}  # fmt: skip
LOW = VOCABULARY | {"ports", "config", "fair"}
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
    "server": LOW | {"dialects", "accounts", "traces", "console"},  # it serves the console's pages
}
FREE = {"app", "cli", "__main__"}
"""The composition root and the commands may import every room."""

MAY_SPEAK_SQL = "stores"
FORBIDDEN_NAMES = {"utils", "common", "helpers", "manager"}
SOCKETS = {"aiohttp", "httpx", "requests", "urllib3", "urllib.request", "socket", "http.client"}
MAY_OPEN_SOCKETS = {"registry/hub.py", "app/listener.py", "app/worker.py"}
"""Model files from a hub, and the listening socket."""
OPENERS = {"create_connection", "open_connection", "sock_connect", "create_unix_connection"}
MAY_CONNECT = {"serving/way.py"}
MAY_USE_CONNECTIONS = {"serving/http.py", "serving/connection.py", "serving/way.py"}


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def room_of(path: Path) -> str:
    first = path.relative_to(SOURCE).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Every imported module, absolute, wherever in the file the import stands."""
    package = ["shortstop", *path.relative_to(SOURCE).parent.parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, node.module or ""]).strip(".")
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def rooms_used(path: Path) -> set[str]:
    used = {name.split(".")[1] for name in imports(path) if name.startswith("shortstop.")}
    return {u for u in used if (SOURCE / u).exists() or (SOURCE / f"{u}.py").exists()}


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_room_imports_only_what_it_may(path: Path) -> None:
    room = room_of(path)
    if room in FREE or room == "__init__":
        return
    assert room in MAY_IMPORT, f"{room} is a new room: say in MAY_IMPORT whom it may know"
    assert rooms_used(path) <= MAY_IMPORT[room] | {room}


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_no_nameless_rooms(path: Path) -> None:
    assert not FORBIDDEN_NAMES & {part.removesuffix(".py") for part in path.parts}


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_sockets_are_opened_in_one_place(path: Path) -> None:
    """The one HTTP client that can leave the machine lives in one module."""
    if name_of(path) not in MAY_OPEN_SOCKETS:
        assert not SOCKETS & set(imports(path))


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_connections_are_made_in_one_module_and_used_in_one(path: Path) -> None:
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    called = {node.attr for node in tree if isinstance(node, ast.Attribute)}
    if name_of(path) not in MAY_CONNECT:
        assert not OPENERS & called
    if name_of(path) not in MAY_USE_CONNECTIONS:
        assert "shortstop.serving.connection" not in set(imports(path))


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_databases_are_behind_ports(path: Path) -> None:
    if room_of(path) != MAY_SPEAK_SQL:
        assert not {name.split(".")[0] for name in imports(path)} & {"sqlite3", "psycopg"}


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_the_server_never_imports_litellm(path: Path) -> None:
    assert not any(name.split(".")[0] == "litellm" for name in imports(path))


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_only_privacy_makes_a_cleared_request(path: Path) -> None:
    if room_of(path) == "privacy":
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            assert name != "Cleared", f"{name_of(path)}:{node.lineno} makes a Cleared"


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_routing_is_pure(path: Path) -> None:
    """No clock, no files, no process-wide randomness in the decision."""
    if room_of(path) != "routing":
        return
    banned = {"time", "asyncio", "os", "random", "socket", "sqlite3", "datetime"}
    assert not banned & set(imports(path))
