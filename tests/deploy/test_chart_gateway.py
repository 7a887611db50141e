"""A real gateway on the configuration that the chart writes, asked as the cluster asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.deploy.test_chart import container, written
from tests.server.conftest import Gateway
from tests.server.scripted import ScriptedModel

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

POD = "10.42.3.17:8484"
SERVICE = "shortstop.shortstop.svc.cluster.local:8484"
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def in_a_pod(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """`deploy/kubernetes`, but for the port and the model."""
    home: Path = tmp_path_factory.mktemp("pod")
    async with ScriptedModel("small").running() as local, ScriptedModel("big").running() as far:
        gateway = Gateway(home, local, far)
        text = written("shortstop").replace("port = 8484", "port = 0")
        model = f'\n[models.small]\nurl = "{local.url}"\ncontext = 4096\n'
        gateway.config_file.write_text(text + model)
        await gateway.start()
        try:
            yield gateway
        finally:
            await gateway.stop()


async def status(gateway: Gateway, path: str, host: str) -> int:
    async with gateway.http.get(path, headers={"host": host}) as answer:
        return answer.status


@pytest.mark.parametrize("probe", PROBES)
async def test_probes_are_answered_by_the_pods_address(in_a_pod: Gateway, probe: str) -> None:
    path = container("shortstop")[probe]["httpGet"]["path"]
    assert await status(in_a_pod, path, POD) == 200


async def test_prometheus_is_answered(in_a_pod: Gateway) -> None:
    assert await status(in_a_pod, "/metrics", POD) == 200


async def test_clients_come_by_the_services_name_and_with_a_key(in_a_pod: Gateway) -> None:
    assert await status(in_a_pod, "/v1/models", SERVICE) == 401
    assert await status(in_a_pod, "/health", "elsewhere.example") == 403
