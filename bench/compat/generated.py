"""Two clients made from the gateway's own OpenAPI document: generated, compiled, a call each."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PATIENCE = 180

Row = dict[str, Any]
Step = tuple[str, list[str]]

PYTHON: list[Step] = [
    (
        "generate",
        ["g/bin/openapi-python-client", "generate", "--path", "openapi.json", "--meta", "none",
         "--output-path", "generated_client", "--overwrite"],
    ),
    ("compile", ["g/bin/python", "-m", "compileall", "-q", "-f", "generated_client"]),
    ("call", ["g/bin/python", "use_generated.py"]),
]  # fmt: skip
TYPESCRIPT: list[Step] = [
    ("generate", ["npx", "openapi-typescript", "openapi.json", "-o", "schema.d.mts"]),
    (
        "compile",
        ["npx", "tsc", "--strict", "--module", "nodenext", "--target", "es2022",
         "--types", "node", "--skipLibCheck", "use_generated.mts"],
    ),
    ("call", ["node", "use_generated.mjs"]),
]  # fmt: skip


def tried(url: str, work: Path) -> list[Row]:
    """Each step of both, in `work`, which has their generators. A step that fails ends its row."""
    with urllib.request.urlopen(f"{url}/openapi.json") as answer:
        (work / "openapi.json").write_bytes(answer.read())
    for name in ("use_generated.py", "use_generated.mts"):
        shutil.copy(HERE / name, work / name)
    python = _version([str(work / "g/bin/openapi-python-client"), "--version"])
    rows = _steps(
        {"client": "openapi-python-client (Python)", "version": python}, PYTHON, url, work
    )
    if shutil.which("node"):
        package = work / "node_modules" / "openapi-typescript" / "package.json"
        version = json.loads(package.read_text())["version"]
        row = {"client": "openapi-typescript (npm)", "version": version}
        rows += _steps(row, TYPESCRIPT, url, work)
    return rows


def _version(command: list[str]) -> str:
    return subprocess.check_output(command, text=True).split()[-1]


def _steps(about: Row, steps: list[Step], url: str, work: Path) -> list[Row]:
    rows: list[Row] = []
    for case, command in steps:
        done = subprocess.run(
            [*command, url] if case == "call" else command,
            capture_output=True,
            text=True,
            cwd=work,
            timeout=PATIENCE,
            check=False,
        )
        note = "" if done.returncode == 0 else (done.stdout + done.stderr).strip()[-200:]
        rows.append({**about, "case": case, "ok": done.returncode == 0, "note": note})
        if done.returncode:
            break
    return rows
