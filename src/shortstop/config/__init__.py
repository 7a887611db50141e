"""The operator's file: its tables, how it is read and checked, and what a reload can apply."""

from shortstop.config.addresses import address_in, host_in, is_local_url, is_loopback
from shortstop.config.checks import LEAST_RETENTION, warnings
from shortstop.config.load import DEFAULT_FILE, from_environment, load, parse
from shortstop.config.restart import changed, lifetimes, require_no_restart, restart_needed
from shortstop.config.secret import api_key
from shortstop.config.sections import (
    BUILTIN_MODEL,
    Config,
    ContractConfig,
    HardwareConfig,
    JudgeConfig,
    LedgerConfig,
    Lifetime,
    LimitsConfig,
    ModelConfig,
    PriceConfig,
    PrivacyConfig,
    PrivacyPolicy,
    PrivacyRule,
    RoutingConfig,
    Section,
    ServerConfig,
    TaskConfig,
    TracesConfig,
    UpstreamConfig,
    UpstreamModel,
)
from shortstop.config.source import ConfigSource

__all__ = [
    "BUILTIN_MODEL",
    "DEFAULT_FILE",
    "LEAST_RETENTION",
    "Config",
    "ConfigSource",
    "ContractConfig",
    "HardwareConfig",
    "JudgeConfig",
    "LedgerConfig",
    "Lifetime",
    "LimitsConfig",
    "ModelConfig",
    "PriceConfig",
    "PrivacyConfig",
    "PrivacyPolicy",
    "PrivacyRule",
    "RoutingConfig",
    "Section",
    "ServerConfig",
    "TaskConfig",
    "TracesConfig",
    "UpstreamConfig",
    "UpstreamModel",
    "address_in",
    "api_key",
    "changed",
    "from_environment",
    "host_in",
    "is_local_url",
    "is_loopback",
    "lifetimes",
    "load",
    "parse",
    "require_no_restart",
    "restart_needed",
    "warnings",
]
