"""Routes set by hand: in force before the configuration's, kept whole, refused where need be."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shortstop.app.overrides import MOST, kept_overrides, set_override, with_overrides
from shortstop.config import RouteOverride
from shortstop.config.load import parse
from shortstop.errors import ConfigError, InvalidRequest

CONFIG = """
[[routing.overrides]]
task = "faq"
route = "frontier"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "routes.json"


def test_by_hand_comes_before_the_configuration(tmp_path: Path, file: Path) -> None:
    config, env = parse(CONFIG, {}), {"SHORTSTOP_HOME": str(tmp_path)}
    assert with_overrides(config, env) is config
    assert set_override(file, "faq", None, "local") == "configured"
    assert set_override(file, "faq", None, "auto") == "local"
    assert set_override(file, "faq", "acme", "local") == "configured"
    assert [(one.tenant, one.route) for one in with_overrides(config, env).routing.overrides] == [
        (None, "auto"), ("acme", "local"), (None, "frontier"),
    ]  # fmt: skip
    assert set_override(file, "faq", None, "configured") == "auto"
    assert set_override(file, "faq", "acme", "configured") == "local"
    assert with_overrides(config, env) == config
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_is_written_at_once_is_all_there(file: Path) -> None:
    names = [f"task-{n}" for n in range(40)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: set_override(file, name, None, "local"), names))
    assert {one.task for one in kept_overrides(file)} == set(names)


@pytest.mark.parametrize(
    ("task", "route"), [("", "local"), ("x" * 201, "local"), ("a\x1b[0m", "local"), ("a", "moon")]
)
def test_what_cannot_be_is_refused(file: Path, task: str, route: str) -> None:
    with pytest.raises(InvalidRequest):
        set_override(file, task, None, route)
    assert not file.exists()


def test_there_is_an_end_to_it(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shortstop.app.overrides.MOST", 2)
    assert MOST >= 100
    set_override(file, "a", None, "local")
    set_override(file, "b", None, "local")
    with pytest.raises(InvalidRequest, match="No more than 2"):
        set_override(file, "c", None, "local")
    set_override(file, "b", None, "frontier")
    assert kept_overrides(file)[1] == RouteOverride(task="b", route="frontier")


def test_a_file_that_is_none_is_said(file: Path, tmp_path: Path) -> None:
    file.write_text("[{]")
    with pytest.raises(ConfigError, match=r"routes\.json"):
        with_overrides(parse("", {}), {"SHORTSTOP_HOME": str(tmp_path)})
