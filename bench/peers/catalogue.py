"""How each peer is installed, configured and asked."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
MODEL = "mock"


class NotInstalled(Exception):
    """The peer cannot be installed or started here; says why."""


@dataclass(frozen=True)
class Peer:
    """`install` makes the environment in a folder; `start` gives the command and environment for
    a gateway on `port` before the upstream at `upstream`. `path` follows the base URL."""

    name: str
    install: Callable[[Path], None]
    start: Callable[[Path, int, int], tuple[list[str], dict[str, str]]]
    path: str = "/v1/chat/completions"
    model: str = MODEL
    says_its_url: bool = False
    headers: Callable[[int], list[str]] = lambda upstream: []


def _run(*command: str, cwd: Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise NotInstalled(f"{command[0]} failed: {lines[-1] if lines else done.returncode}")


def _pip(*packages: str) -> Callable[[Path], None]:
    def install(folder: Path) -> None:
        if not (folder / "v" / "bin" / "python").exists():
            _run(sys.executable, "-m", "venv", "v", cwd=folder)
            _run("v/bin/python", "-m", "pip", "install", "-q", *packages, cwd=folder)

    return install


def _npm(*packages: str) -> Callable[[Path], None]:
    def install(folder: Path) -> None:
        if shutil.which("npm") is None:
            raise NotInstalled("npm is not on this machine")
        if not (folder / "node_modules").exists():
            _run("npm", "install", "--no-audit", "--no-fund", *packages, cwd=folder)

    return install


def _needs(program: str) -> Callable[[Path], None]:
    def install(folder: Path) -> None:
        if _found(program) is None:
            raise NotInstalled(f"{program} is not on this machine (apt-get install {program})")

    return install


def _found(program: str) -> str | None:
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")


# ---------------------------------------------------------------- how they start

NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  keepalive_requests 10000000;
  upstream mock {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 10000000; }}
  server {{ listen 127.0.0.1:{port};
    location / {{ proxy_pass http://mock; proxy_http_version 1.1; proxy_buffering off;
                  proxy_set_header Connection ""; }} }}
}}
"""


def _nginx(folder: Path, port: int, upstream: int) -> tuple[list[str], dict[str, str]]:
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, upstream=upstream))
    return [_found("nginx") or "nginx", "-c", str(config), "-p", str(folder)], {}


LITELLM = """
model_list:
  - model_name: mock
    litellm_params: {{model: openai/mock, api_base: "http://127.0.0.1:{upstream}/v1", api_key: k}}
"""


def _litellm(folder: Path, port: int, upstream: int) -> tuple[list[str], dict[str, str]]:
    (folder / "config.yaml").write_text(LITELLM.format(upstream=upstream))
    command = ["v/bin/litellm", "--config", "config.yaml", "--host", "127.0.0.1"]
    return [*command, "--port", str(port), "--num_workers", "1"], {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
        "LITELLM_LOG": "ERROR",
    }


def _portkey(folder: Path, port: int, upstream: int) -> tuple[list[str], dict[str, str]]:
    server = "node_modules/@portkey-ai/gateway/build/start-server.js"
    return ["node", server, f"--port={port}", "--headless"], {
        "TRUSTED_CUSTOM_HOSTS": "127.0.0.1,localhost",
        "NODE_ENV": "production",
    }


def _portkey_headers(upstream: int) -> list[str]:
    return [
        "x-portkey-provider: openai",
        f"x-portkey-custom-host: http://127.0.0.1:{upstream}/v1",
    ]


TENSORZERO = """
[gateway]
observability.enabled = false
[models.mock]
routing = ["mock"]
[models.mock.providers.mock]
type = "openai"
model_name = "mock"
api_base = "http://127.0.0.1:{upstream}/v1/"
api_key_location = "none"
"""


def _tensorzero(folder: Path, port: int, upstream: int) -> tuple[list[str], dict[str, str]]:
    (folder / "tensorzero.toml").write_text(TENSORZERO.format(upstream=upstream))
    return ["v/bin/python", str(HERE / "run_tensorzero.py"), "tensorzero.toml"], {}


SWITCHYARD = """
schema_version = 1
[llm_clients.mock]
format = "openai_chat"
base_url = "http://127.0.0.1:{upstream}/v1"
api_key_env = "MOCK_KEY"
[targets.mock]
id = "mock"
llm_client = "mock"
[routes.mock]
id = "mock"
type = "passthrough"
target = "mock"
"""


def _switchyard(folder: Path, port: int, upstream: int) -> tuple[list[str], dict[str, str]]:
    (folder / "routes.toml").write_text(SWITCHYARD.format(upstream=upstream))
    script = str(HERE / "run_switchyard.py")
    return ["v/bin/python", script, "routes.toml"], {"MOCK_KEY": "key-of-the-mock-upstream"}


PEERS = (
    Peer("nginx", _needs("nginx"), _nginx),
    Peer("litellm", _pip("litellm[proxy]==1.106.2"), _litellm),
    Peer("portkey", _npm("@portkey-ai/gateway@1.15.2"), _portkey, headers=_portkey_headers),
    Peer(
        "tensorzero",
        _pip("tensorzero==2026.6.0"),
        _tensorzero,
        path="/chat/completions",
        model="tensorzero::model_name::mock",
        says_its_url=True,
    ),
    Peer("switchyard", _pip("nemo-switchyard==0.3.0"), _switchyard, says_its_url=True),
)
