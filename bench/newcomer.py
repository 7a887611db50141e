"""Follows the guides word for word in a fresh clone, with an empty home, and says how long it took.

    make bench-newcomer [DEMO=1]
    make tutorial

The blocks of README's "Try it" and of "From a wheel", or of docs/tutorial.md, are typed into one
shell; what serves is left running, and Python blocks are run beside it. The first step that fails
ends it. Linux only.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
TYPED = ("", "python")
"""The languages of blocks that are typed; others show a file or what is printed."""
SERVES = ("make serve", "shortstop serve")
PLACEHOLDER = "=sk-..."
"""Whoever has no key goes on without one, as the line itself says."""
URL = "http://127.0.0.1:8484"
ANSWER = "\nprint(answer.choices[0].message.content)\n"
BEGIN = f"""set -eo pipefail
trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT
ready() {{ for _ in $(seq 600); do
  curl -sf {URL}/health >/dev/null && return; kill -0 $! || break; sleep 0.5
done; cat serve.log; return 1; }}
"""
STOP = "kill $(jobs -p); wait || true\n"


def section(page: str, heading: str) -> str:
    """The text under a heading of `page`, up to the next of its level."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def script(text: str, left_out: tuple[str, ...] = ()) -> Iterator[str]:
    """The blocks of a guide as lines of bash, each announced by `== what it is`."""
    for language, block in BLOCK.findall(text):
        if language not in TYPED:
            continue
        if language == "python":
            yield f"echo '== Python'\npython - <<'EOF'\n{block}{ANSWER}EOF\n"
            continue
        for typed in block.splitlines():
            line = (
                re.sub(r"\s+#.*", "", typed)
                .replace("<this repository>", f"{ROOT} shortstop")
                .strip()
            )
            if not line or PLACEHOLDER in line or line in left_out:
                continue
            serves = line.startswith(SERVES)
            yield f"echo '== {line}'\n" + (
                f"{line} >serve.log 2>&1 &\nready\n" if serves else f"{line}\n"
            )


def readme(demo: bool) -> str:
    left_out = () if demo else ("make demo",)
    return BEGIN + "".join(script(section("README.md", "Try it"), left_out)) + STOP


def wheel() -> str:
    """Made here, installed there, begun with one command."""
    made = (
        f"git clone -q {ROOT} clone\necho '== make dist'\n"
        "make -C clone dist\ncp clone/dist/*.whl .\n"
    )
    pipx = (
        "python3 -m venv .pipx\n.pipx/bin/pip install -q pipx\n"
        "export PATH=$PWD/.pipx/bin:$HOME/.local/bin:$PATH\n"
    )
    text = section("docs/deploying.md", "From a wheel")
    by_default = text.replace("shortstop init ", "shortstop init --yes ")
    return BEGIN + made + pipx + "".join(script(by_default)) + STOP


def tutorial() -> str:
    text = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    return BEGIN + "".join(script(text)) + STOP


def follow(name: str, commands: str) -> bool:
    """Run it in an empty folder; prints each step with the seconds since the beginning."""
    with tempfile.TemporaryDirectory() as folder:
        kept = {
            k: v for k, v in os.environ.items() if not k.startswith(("SHORTSTOP", "XDG", "VIRTUAL"))
        }
        home = Path(folder) / "home"
        home.mkdir()
        began = time.monotonic()
        shell = subprocess.Popen(
            ["bash", "-c", commands], cwd=folder, env={**kept, "HOME": str(home)},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert shell.stdout is not None
        last: list[str] = []
        for line in shell.stdout:
            last = [*last[-30:], line]
            if line.startswith("== "):
                sys.stdout.write(f"{name} {time.monotonic() - began:6.0f} s  {line[3:]}")
        took = time.monotonic() - began
        passed = shell.wait() == 0
        sys.stdout.write(f"{name} {took:6.0f} s  {'all steps pass' if passed else 'FAILED'}\n")
        if not passed:
            sys.stdout.writelines(last)
        return passed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo", action="store_true", help="type `make demo` as well")
    parser.add_argument("--tutorial", action="store_true", help="docs/tutorial.md and nothing else")
    args = parser.parse_args()
    if args.tutorial:
        results = [follow("tutorial", tutorial())]
    else:
        results = [follow("README", readme(args.demo)), follow("wheel", wheel())]
    raise SystemExit(0 if all(results) else 1)
