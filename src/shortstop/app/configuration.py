"""The configuration that is in force."""

from __future__ import annotations

from shortstop.app.alert_post import require_alerts
from shortstop.app.overrides import with_overrides
from shortstop.app.sso import require_sso
from shortstop.config import Config, ConfigSource
from shortstop.serving.upstreams import check_dialects


def read_config(source: ConfigSource) -> Config:
    """Load, with the routes that were set by hand, and check what `config` cannot know: the
    dialects there are, whom alerts reach, and by what secret people sign in. Raises ConfigError."""
    config = source.load()
    check_dialects(config.upstreams)
    require_alerts(config, source.env)
    require_sso(config, source.env)
    return with_overrides(config, source.env)
