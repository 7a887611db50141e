"""OpenTelemetry: finished rows as spans and metrics for a collector, as OTLP over HTTP."""
