"""Specialists on the street: one child process reads for all of them, beside the event loop."""
