"""Runs of agents: recognised by their growing messages, held to what they may take. No SQL."""

from shortstop.runs.book import RunBook, RunOver, RunStep, is_own, name_digest

__all__ = ["RunBook", "RunOver", "RunStep", "is_own", "name_digest"]
