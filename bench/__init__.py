"""Benchmarks and the demo: separate commands, never part of the test run."""
