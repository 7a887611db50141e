"""Engines: what answers on this machine."""
