"""Shortstop: an SLM-first, LLM-backup gateway."""

__version__ = "0.1.0"
