"""The house rule: how large things may become, and which medium lives in which room."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

from scripts.house import Function, Module, arity, circles, imports_of, length, ratios, read

ROOT = Path(__file__).parent.parent
MODULES = read(ROOT)

LONGEST_FUNCTION, LONGEST_FILE, MOST_PARAMETERS, MOST_NAMES, MOST_IMPORTS = 80, 450, 7, 15, 17
FEWEST_TESTS = 0.8
"""Lines of tests for a line of source; 1.0 is the goal, and it may not fall."""
MIRRORED = 100
"""Lines from which on a module has a test file of its own name."""
UNMIRRORED = {"types", "ports"}
"""Nothing but declarations."""

COMMANDS = "cli"
"""Commands take one parameter for each option."""
MANY_NAMES = {"types", "config", "errors", "ports", "dialects"}
"""Vocabulary: sections of one file, one tree of errors, the doors."""
SAME_NAME: dict[str, str] = {}
"""Class names that occur twice, each with the reason."""
VENDOR_WORDS = re.compile(
    r"input_json_delta|partial_json|tool_use\b|tool_use_id|redacted_thinking|signature_delta"
    r"|encrypted_content|content_block|message_start|message_delta|cache_control|anthropic-version"
    r"|anthropic-beta|finish_reason|prompt_tokens_details|completion_tokens_details|cached_tokens"
    r"|cache_creation_input_tokens|budget_tokens|output_config|function_call|allowed_tools"
    r"|return_progress|prompt_progress"
)
OPENTELEMETRY = "gen_ai."
"""How the names begin that OpenTelemetry has for these things: a vocabulary of its own."""
OUR_DOCUMENT_TOO = re.compile(
    r"stream_options|include_usage|max_completion_tokens|max_output_tokens|reasoning_content"
    r"|input_schema|stop_reason|stop_sequences|tool_call_id"
)
"""Also in `server.openapi.vendors`, which describes vendors' requests to our clients."""


def public(tree: ast.Module) -> list[str]:
    names: list[str] = []
    for node in tree.body:
        if isinstance(node, Function | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign):
            names += [t.id for t in node.targets if isinstance(t, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.append(node.target.id)
    return [name for name in names if not name.startswith("_")]


def mirrors(module: Module) -> set[str]:
    """The test files that may be about a module: its own, or its inner package's."""
    parts = module.name.split(".")
    names = {parts[-1], "_".join(parts[-2:]), *parts[1:-1]}
    return {f"test_{name}" for name in names}


def test_files_are_short() -> None:
    assert {m.name: m.lines for m in MODULES if m.lines > LONGEST_FILE} == {}


def test_functions_are_short_and_take_little() -> None:
    functions = [(m, f) for m in MODULES for f in m.functions()]
    long = {f"{m.name}.{f.name}" for m, f in functions if length(f) > LONGEST_FUNCTION}
    assert long == set()
    ruled = [(m, f) for m, f in functions if m.room != COMMANDS]
    assert {f"{m.name}.{f.name}" for m, f in ruled if arity(f) > MOST_PARAMETERS} == set()


def test_a_file_holds_one_subject() -> None:
    ruled = [m for m in MODULES if m.room not in MANY_NAMES]
    subjects = {m.name: len([n for n in public(m.tree) if not n.isupper()]) for m in ruled}
    assert {name: n for name, n in subjects.items() if n > MOST_NAMES} == {}


def test_nothing_imports_in_a_ring() -> None:
    assert circles(imports_of(MODULES)) == []


def test_no_module_knows_half_of_the_house() -> None:
    wide = {name: len(used) for name, used in imports_of(MODULES).items()}
    assert {name: n for name, n in wide.items() if n > MOST_IMPORTS} == {}


def test_a_class_name_has_one_meaning() -> None:
    places = defaultdict(list)
    for module in MODULES:
        for definition in module.classes():
            places[definition.name.lstrip("_")].append(module.name)
    twice = {name: rooms for name, rooms in places.items() if len(rooms) > 1}
    assert {name: rooms for name, rooms in twice.items() if name not in SAME_NAME} == {}


def test_vendors_words_stay_in_dialects() -> None:
    ruled = [m for m in MODULES if m.room not in ("dialects", COMMANDS)]
    assert {m.name: lines for m in ruled if (lines := lines_of_vendors(m))} == {}


def lines_of_vendors(module: Module) -> list[int]:
    """Where a string holds a vendor's word."""
    words = [VENDOR_WORDS, OUR_DOCUMENT_TOO]
    if module.name == "server.openapi.vendors":
        words.remove(OUR_DOCUMENT_TOO)
    return [
        node.lineno
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if not node.value.startswith(OPENTELEMETRY)
        and any(pattern.search(node.value) for pattern in words)
    ]


def test_modules_have_mirrors() -> None:
    tests = {path.stem for path in (ROOT / "tests").rglob("test_*.py")}
    long = [m for m in MODULES if m.lines > MIRRORED and m.room not in UNMIRRORED]
    assert [m.name for m in long if not mirrors(m) & tests] == []


def test_there_are_enough_tests() -> None:
    assert ratios(ROOT, MODULES)["all"] >= FEWEST_TESTS
