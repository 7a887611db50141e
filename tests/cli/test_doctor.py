"""`shortstop doctor`: what is there, what fits, what would help."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from shortstop import registry
from shortstop.cli import doctor
from shortstop.cli.doctor import MachineSummary, ModelSpeed, advise, fitting, inspect_machine
from tests.cli.conftest import Shortstop

GB = 10**9
MACHINE = MachineSummary(
    system="Linux 6",
    processor="A processor",
    cores=8,
    cores_total=8,
    ram=16 * GB,
    ram_limit=None,
    disk_free=100 * GB,
    simd=("avx2", "fma"),
    gpus=(),
)
SPEED = ModelSpeed("smollm2-135m", 7, 1000.0, 100.0)


def test_the_content_key_is_named(shortstop: Shortstop, home: Path) -> None:
    said = f"a key that the first start makes in {home / 'home' / 'content.key'}"
    assert said in shortstop("doctor", "--quick").out
    assert said in json.loads(shortstop("doctor", "--quick", "--json").out)["content_key"]


def test_it_tries_whether_a_lake_s_files_can_be_put(shortstop: Shortstop, home: Path) -> None:
    assert json.loads(shortstop("doctor", "--quick", "--json").out)["lake"] is None
    folder = home / "lake"
    (home / "shortstop.toml").write_text(f'[traces.lake]\nfolder = "{folder}"\n')
    said = json.loads(shortstop("doctor", "--quick", "--json").out)["lake"]
    assert said == f"Contents cannot be put into files in {folder}: there is no folder {folder}"
    folder.mkdir()
    assert "they can be put there" in " ".join(shortstop("doctor", "--quick").out.split())


def test_this_machine_is_read(tmp_path: Path) -> None:
    machine = inspect_machine(tmp_path)
    assert 1 <= machine.cores <= machine.cores_total
    assert 0 < machine.memory <= machine.ram
    assert machine.disk_free > 0
    assert machine.processor


def test_a_container_s_limit_is_the_memory() -> None:
    assert replace(MACHINE, ram_limit=2 * GB).memory == 2 * GB
    assert replace(MACHINE, ram_limit=20 * GB).memory == 16 * GB


def test_a_model_fits_in_four_fifths_of_the_memory() -> None:
    fits = {fit.name: fit for fit in fitting(MACHINE, None)}
    for name, entry in registry.catalogue().items():
        assert fits[name].needs == entry.ram_bytes
        assert fits[name].fits is (entry.ram_bytes <= 0.8 * 16 * GB)
        assert fits[name].prefill is fits[name].decode is None
    assert fits["smollm2-135m"].fits
    assert not {fit.name for fit in fitting(replace(MACHINE, ram=100), None) if fit.fits}


def test_speed_is_scaled_by_the_bytes_of_the_weights() -> None:
    fits = {fit.name: fit for fit in fitting(MACHINE, SPEED)}
    assert fits["smollm2-135m"].decode == SPEED.decode
    catalogue = registry.catalogue()
    ratio = catalogue["smollm2-135m"].bytes / catalogue["qwen3-8b"].bytes
    assert fits["qwen3-8b"].decode == pytest.approx(SPEED.decode * ratio)
    assert fits["qwen3-8b"].prefill == pytest.approx(SPEED.prefill * ratio)
    assert fitting(MACHINE, ModelSpeed("unlisted", 1, 1.0, 1.0))[0].decode is None


@pytest.mark.parametrize(
    ("machine", "speed", "says"),
    [
        (MACHINE, None, "shortstop pull"),
        (MACHINE, None, "By memory alone"),
        (MACHINE, ModelSpeed("smollm2-135m", 1, 6.0, 1.5), "measure again when it is quiet"),
        (MACHINE, SPEED, "Largest model that suits this machine"),
        (replace(MACHINE, gpus=("A GPU",)), SPEED, "There is a GPU"),
        (replace(MACHINE, simd=("avx2", "avx512f")), SPEED, "AVX-512"),
        (replace(MACHINE, simd=()), SPEED, "No AVX2 or NEON"),
        (replace(MACHINE, cores=2), SPEED, "Only 2 of 8 cores"),
    ],
)
def test_advice(machine: MachineSummary, speed: ModelSpeed | None, says: str) -> None:
    assert any(says in line for line in advise(machine, speed))


def test_a_slow_machine_is_told_a_small_model() -> None:
    slow = ModelSpeed("smollm2-135m", 1, 60.0, 6.0)
    (line,) = [one for one in advise(MACHINE, slow) if "suits" in one]
    assert "smollm2-135m" in line


def test_the_table_and_the_json_say_the_same(shortstop: Shortstop) -> None:
    tree = json.loads(shortstop("doctor", "--quick", "--json").out)
    assert set(tree) == {"machine", "speed", "models", "advice", "content_key", "lake"}
    assert tree["speed"] is None
    assert {model["name"] for model in tree["models"]} == set(registry.catalogue())
    out = shortstop("doctor", "--quick").out
    assert all(name in out for name in registry.catalogue())
    assert "- How fast models are was not measured" in out


def test_without_the_model_there_is_nothing_to_measure(shortstop: Shortstop) -> None:
    assert json.loads(shortstop("doctor", "--json").out)["speed"] is None


def test_an_engine_that_cannot_start_is_reported_not_raised(
    shortstop: Shortstop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(home: Path) -> ModelSpeed | None:
        from shortstop.errors import EngineDown

        raise EngineDown("no engine")

    monkeypatch.setattr(doctor, "measure", broken)
    tree = json.loads(shortstop("doctor", "--json").out)
    assert "The speed could not be measured: no engine" in tree["advice"]


def test_a_gpu_is_asked_for_by_its_own_tool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'NVIDIA A100, 40960 MiB'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert inspect_machine(tmp_path).gpus == ("NVIDIA A100, 40960 MiB",)
    tool.write_text("#!/no/such/interpreter\n")
    assert inspect_machine(tmp_path).gpus == ()
