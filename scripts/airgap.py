"""The whole test suite in an empty network namespace, and every try to leave it.

    make airgap                    # all tests
    make airgap TESTS=tests/server # some

Runs pytest under `unshare --net` (nothing but loopback) and `strace`, which sees every connect,
sendto and sendmsg of every process that a test starts, name lookups included. Exits with 1 when a
test fails or an address beyond loopback was tried.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

EMPTY = ("unshare", "--map-root-user", "--net")
CALLS = "trace=connect,sendto,sendmsg,sendmmsg"
NETWORK = re.compile(r"sa_family=AF_(?!UNIX|NETLINK|UNSPEC)\w+")
LOOPBACK = re.compile(r'inet_addr\("127\.|"(?:::ffff:127\.[\d.]+|::1)"')


def away(lines: Iterable[str]) -> list[str]:
    """Every line of strace's that tells of an address beyond loopback."""
    return [line for line in lines if NETWORK.search(line) and not LOOPBACK.search(line)]


def watched(command: list[str], seen: Path) -> list[str]:
    """`command` where there is no network, with everything it sends noted in `seen`."""
    watch = ["strace", "-f", "-qq", "--seccomp-bpf", "-s", "64", "-e", CALLS, "-o", str(seen)]
    return [*EMPTY, "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *watch, *command]


def main(tests: list[str]) -> int:
    missing = [tool for tool in ("unshare", "ip", "strace") if shutil.which(tool) is None]
    if missing:
        sys.stderr.write(f"airgap: needs {', '.join(missing)} (util-linux, iproute2, strace)\n")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        seen = Path(folder) / "calls.txt"
        pytest = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *tests]
        done = subprocess.run(watched(pytest, seen), env=os.environ, check=False)
        with seen.open(errors="replace") as lines:
            calls = Counter[str]()
            tries = away(count(lines, calls))
    print(f"airgap: {calls['network']} calls to an address, {len(tries)} of them beyond loopback")
    for line in tries[:20]:
        print("  " + line.rstrip())
    if not calls["network"]:
        print("airgap: the watch saw nothing, so it proves nothing")
    return int(done.returncode != 0 or bool(tries) or not calls["network"])


def count(lines: Iterable[str], calls: Counter[str]) -> Iterable[str]:
    for line in lines:
        calls["network"] += NETWORK.search(line) is not None
        yield line


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
