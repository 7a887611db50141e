"""The house in figures: sizes, arity, imports, tests. `python -m scripts.house [FOLDER]`.

Everything is counted from the syntax trees of `src/shortstop` and `tests`; nothing is imported.
"""

from __future__ import annotations

import ast
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "shortstop"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Module:
    """One source file: its dotted name below the package, the package it is in, lines, syntax."""

    name: str
    package: str
    lines: int
    tree: ast.Module

    @property
    def room(self) -> str:
        return self.name.split(".")[0]

    def functions(self) -> Iterator[Function]:
        for node in ast.walk(self.tree):
            if isinstance(node, Function):
                yield node

    def classes(self) -> Iterator[ast.ClassDef]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ClassDef):
                yield node

    def imports(self, modules: set[str]) -> set[str]:
        """Which of `modules` this one imports, by their full names."""
        imported = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom):
                origin = self._origin(node)
                for alias in node.names:
                    inner = f"{origin}.{alias.name}"
                    imported.add(inner if inner in modules else origin)
            elif isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
        return imported & modules

    def _origin(self, node: ast.ImportFrom) -> str:
        """The module that is imported from, relative ones made absolute."""
        parents = self.package.split(".")
        base = parents[: len(parents) - node.level + 1] if node.level else []
        return ".".join([*base, *([node.module] if node.module else [])])


def read(root: Path) -> list[Module]:
    """Every module of the package below the checkout `root`."""
    source = root / "src" / PACKAGE
    modules = []
    for path in sorted(source.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        parts = list(path.relative_to(source).with_suffix("").parts)
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts) or PACKAGE
        package = ".".join([PACKAGE, *parts[:-1]])
        modules.append(Module(name, package, len(text.splitlines()), ast.parse(text)))
    return modules


def length(function: Function) -> int:
    """Lines from `def` to the last one, the docstring left out."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is not None and len(function.body) > 1:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def arity(function: Function) -> int:
    """Parameters, `self` and `cls` not counted."""
    named = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return sum(1 for a in named if a.arg not in ("self", "cls"))


def imports_of(modules: list[Module]) -> dict[str, set[str]]:
    """Module -> the modules of the package that it imports."""
    full = {f"{PACKAGE}.{m.name}" for m in modules}
    return {m.name: {i.removeprefix(f"{PACKAGE}.") for i in m.imports(full)} for m in modules}


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules that import each other in a ring: strong components (Tarjan 1972)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    rings: list[list[str]] = []

    def visit(name: str) -> None:
        order[name] = low[name] = len(order)
        stack.append(name)
        for other in graph.get(name, ()):
            if other not in order:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], order[other])
        if low[name] == order[name]:
            ring = []
            while True:
                ring.append(stack.pop())
                if ring[-1] == name:
                    break
            if len(ring) > 1:
                rings.append(sorted(ring))

    for name in graph:
        if name not in order:
            visit(name)
    return rings


def lines_below(folder: Path) -> int:
    """Lines of Python; the generators of frozen data below `unseen` are no tests."""
    files = [p for p in folder.rglob("*.py") if "unseen" not in p.parts]
    return sum(len(p.read_text(encoding="utf-8").splitlines()) for p in files)


def percentile(values: list[int], share: float) -> int:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def spread(values: list[int]) -> str:
    return f"{statistics.median(values):g} / {percentile(values, 0.95)} / {max(values)}"


def ratios(root: Path, modules: list[Module]) -> dict[str, float]:
    """Lines of tests for each line of source, by room; "all" for the whole."""
    rooms = sorted({m.room for m in modules if (root / "src" / PACKAGE / m.room).is_dir()})
    by_room = {
        room: lines_below(root / "tests" / room) / lines_below(root / "src" / PACKAGE / room)
        for room in rooms
    }
    total = lines_below(root / "tests") / sum(m.lines for m in modules)
    return {"all": total, **by_room}


def table(root: Path) -> list[tuple[str, str]]:
    modules = read(root)
    functions = [f for m in modules for f in m.functions()]
    constructors = [f for f in functions if f.name == "__init__"]
    graph = imports_of(modules)
    widest = max(graph, key=lambda name: len(graph[name]))
    root_room = {n: len(i) for n, i in graph.items() if n.split(".")[0] == "app"}
    figures = ratios(root, modules)
    return [
        ("modules", str(len(modules))),
        ("lines of source", f"{sum(m.lines for m in modules):,}"),
        ("lines of a file, median / p95 / max", spread([m.lines for m in modules])),
        ("files over 450 lines", str(sum(m.lines > 450 for m in modules))),
        ("lines of a function, median / p95 / max", spread([length(f) for f in functions])),
        ("parameters of a constructor, median / p95 / max", spread([*map(arity, constructors)])),
        ("functions with more than 7 parameters", str(sum(arity(f) > 7 for f in functions))),
        ("internal imports, widest of app", str(max(root_room.values()))),
        ("internal imports, widest of all", f"{len(graph[widest])} ({widest})"),
        ("import circles", str(len(circles(graph)))),
        ("lines of tests", f"{lines_below(root / 'tests'):,}"),
        *((f"tests / source, {room}", f"{ratio:.2f}") for room, ratio in figures.items()),
    ]


def main() -> None:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent
    rows = table(root)
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:<{width}}  {value}")


if __name__ == "__main__":
    main()
