"""The operator's file: its tables, how it is read and checked, and what a reload can apply."""

from shortstop.config.addresses import (
    Network,
    address_in,
    host_in,
    is_local_url,
    is_loopback,
    networks,
    problem_of_url,
)
from shortstop.config.alerts import AlertsConfig
from shortstop.config.books import HardwareConfig, LedgerConfig
from shortstop.config.checks import LEAST_RETENTION, warnings
from shortstop.config.fallbacks import FallbackConfig
from shortstop.config.learning import LearningConfig
from shortstop.config.load import DEFAULT_FILE, from_environment, load, parse
from shortstop.config.names import (
    Aliases,
    aliases_of,
    best_match,
    upstream_for,
    with_model,
)
from shortstop.config.proxies import ProxyAddress, proxy_of
from shortstop.config.restart import changed, lifetimes, require_no_restart, restart_needed
from shortstop.config.secret import api_key, filled_in
from shortstop.config.section import Lifetime, Section
from shortstop.config.sections import (
    BUILTIN_MODEL,
    CacheConfig,
    Config,
    ContractConfig,
    EngineConfig,
    JudgeConfig,
    LimitsConfig,
    ModelConfig,
    PriceConfig,
    PrivacyConfig,
    PrivacyPolicy,
    PrivacyRule,
    RouteOverride,
    RoutingConfig,
    RunsConfig,
    ServerConfig,
    TaskConfig,
    TlsConfig,
)
from shortstop.config.source import ConfigSource
from shortstop.config.telemetry import LogConfig, OtelConfig, TelemetryConfig
from shortstop.config.traces import LakeConfig, TracesConfig, bucket_of
from shortstop.config.upstreams import (
    MODEL_PLACE,
    DeploymentConfig,
    UpstreamConfig,
    UpstreamModel,
)

__all__ = [
    "BUILTIN_MODEL",
    "DEFAULT_FILE",
    "LEAST_RETENTION",
    "MODEL_PLACE",
    "AlertsConfig",
    "Aliases",
    "CacheConfig",
    "Config",
    "ConfigSource",
    "ContractConfig",
    "DeploymentConfig",
    "EngineConfig",
    "FallbackConfig",
    "HardwareConfig",
    "JudgeConfig",
    "LakeConfig",
    "LearningConfig",
    "LedgerConfig",
    "Lifetime",
    "LimitsConfig",
    "LogConfig",
    "ModelConfig",
    "Network",
    "OtelConfig",
    "PriceConfig",
    "PrivacyConfig",
    "PrivacyPolicy",
    "PrivacyRule",
    "ProxyAddress",
    "RouteOverride",
    "RoutingConfig",
    "RunsConfig",
    "Section",
    "ServerConfig",
    "TaskConfig",
    "TelemetryConfig",
    "TlsConfig",
    "TracesConfig",
    "UpstreamConfig",
    "UpstreamModel",
    "address_in",
    "aliases_of",
    "api_key",
    "best_match",
    "bucket_of",
    "changed",
    "filled_in",
    "from_environment",
    "host_in",
    "is_local_url",
    "is_loopback",
    "lifetimes",
    "load",
    "networks",
    "parse",
    "problem_of_url",
    "proxy_of",
    "require_no_restart",
    "restart_needed",
    "upstream_for",
    "warnings",
    "with_model",
]
