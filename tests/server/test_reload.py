"""A reload applies all of what changed, or refuses and says what needs a restart."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from tests.server.conftest import KEY, Gateway, running_gateway

PROCESS = {
    "traces.content": ("", '[traces]\ncontent = "digest"\n'),
    "traces.retention_days": ("", "[traces]\nretention_days = 200\n"),
    "privacy.vault_hours": ("", "[privacy]\nvault_hours = 1\n"),
    "server.host": ('host = "127.0.0.2"', ""),
    "server.workers": ("workers = 3", ""),
}
"""Key -> ([server] keys, other sections) that change it from its default."""


async def refusal(gateway: Gateway, key: str) -> None:
    async with gateway.http.post("/admin/reload", headers=gateway.admin) as answer:
        error = (await answer.json())["error"]
        assert answer.status == 400
    assert error["code"] == "invalid_config"
    assert f"`{key}`" in error["message"]
    assert "restart" in error["message"]


@pytest.mark.parametrize("key", PROCESS)
async def test_what_lasts_as_long_as_the_process_needs_a_restart(tmp_path: Path, key: str) -> None:
    server, more = PROCESS[key]
    async with running_gateway(tmp_path) as gateway:
        gateway.configure(server, more)
        await refusal(gateway, key)
        assert b"configuration reloaded" not in gateway.log


async def test_another_data_dir_needs_a_restart(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        gateway.configure()
        text = gateway.config_file.read_text()
        gateway.config_file.write_text(f'data_dir = "{tmp_path / "elsewhere"}"\n{text}')
        await refusal(gateway, "data_dir")


async def test_a_refused_reload_changes_nothing_else(tmp_path: Path) -> None:
    """Half of a file is never applied: the new target is not there either."""
    async with running_gateway(tmp_path) as gateway:
        gateway.configure(
            more='[traces]\ncontent = "digest"\n'
            '[upstreams.vendor.models.bigger]\nprice = "gpt-6.1-sol"'
        )
        await refusal(gateway, "traces.content")
        async with gateway.http.get("/v1/models") as answer:
            names = [card["id"] for card in (await answer.json())["data"]]
        assert "bigger" not in names


async def test_sighup_says_it_in_the_log(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        gateway.configure(more='[traces]\ncontent = "digest"')
        assert gateway.process is not None
        gateway.process.send_signal(1)
        await gateway.logged(
            b"reload refused, nothing changed: A reload cannot change `traces.content`"
        )


async def test_with_workers_too(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, server="workers = 2") as gateway:
        gateway.configure("workers = 2", '[traces]\ncontent = "digest"')
        await refusal(gateway, "traces.content")
        assert gateway.process is not None
        gateway.process.send_signal(1)
        await gateway.logged(
            b"reload refused, nothing changed: A reload cannot change `traces.content`"
        )
        assert b"configuration reloaded" not in gateway.log


async def test_a_reload_does_not_open_the_door_to_strangers(tmp_path: Path) -> None:
    public = 'host = "0.0.0.0"\nauth = "required"'
    async with running_gateway(tmp_path, server=public) as gateway:
        gateway.configure('host = "0.0.0.0"\nauth = "auto"')
        assert gateway.process is not None
        gateway.process.send_signal(1)
        await gateway.logged(b"reload refused, nothing changed: Listening on 0.0.0.0")


async def test_what_was_learned_under_a_seed_keeps_it_and_says_so(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        gateway.configure(more="seed = 7")
        async with gateway.http.post("/admin/reload", headers=gateway.admin) as answer:
            assert answer.status == 200
        await gateway.logged(b"routing.seed is part of what the router has learned")


# ---------------------------------------------------------------- the command


async def command(gateway: Gateway, *arguments: str) -> tuple[int, str, str]:
    """Exit code, output and errors of `shortstop reload` on this machine."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "shortstop", "reload", "--config", str(gateway.config_file)),
        *arguments,
        env={**os.environ, "SHORTSTOP_HOME": str(gateway.home), "VENDOR_KEY": KEY},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_the_command_shows_the_token_of_the_data_folder(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        gateway.configure(more='[upstreams.vendor.models.bigger]\nprice = "gpt-6.1-sol"')
        code, out, _ = await command(gateway, "--url", gateway.url)
        assert (code, out) == (0, "Reloaded: targets: small, big, bigger.\n")
        await gateway.logged(b"configuration reloaded")
        _, out, _ = await command(gateway, "--url", gateway.url, "--json")
        assert json.loads(out)["reloaded"].endswith("bigger")
        gateway.configure(more='[traces]\ncontent = "digest"')
        code, out, err = await command(gateway, "--url", gateway.url)
        assert (code, out) == (2, "")
        assert "`traces.content`" in err
        (tmp_path / "admin.token").write_text("ss-admin-" + "x" * 43)
        code, _, err = await command(gateway, "--url", gateway.url)
        assert code == 2
        assert "admin token is missing or wrong" in err


async def test_the_command_says_what_is_not_there(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        pass
    code, _, err = await command(gateway, "--url", gateway.url)
    assert code == 2
    assert "No gateway answers at" in err
    (tmp_path / "admin.token").unlink()
    code, _, err = await command(gateway, "--url", gateway.url)
    assert code == 2
    assert "There is no admin token at" in err
    assert not (tmp_path / "admin.token").exists(), "a command makes none"
    code, _, err = await command(gateway, "--url", "http://gateway.example:8484")
    assert code == 2


IMPOSTOR = """
import os, socket
os.setuid(65534)
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
connection, _ = listening.accept()
print(connection.recv(65536), flush=True)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
async def test_who_took_the_gateways_port_is_not_shown_the_token(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        pass
    impostor = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", IMPOSTOR), stdout=asyncio.subprocess.PIPE
    )
    assert impostor.stdout is not None
    port = int(await impostor.stdout.readline())
    try:
        code, _, err = await command(gateway, "--url", f"http://127.0.0.1:{port}")
        assert code == 2
        assert "belongs to another user (uid 65534)" in err
        assert impostor.returncode is None, "nobody has connected"
    finally:
        impostor.kill()
        heard = await impostor.stdout.read()
        await impostor.wait()
    assert heard == b""
