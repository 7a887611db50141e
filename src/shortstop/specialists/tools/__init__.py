"""Calls of recurring tools: which tool, with which arguments, read from one short request."""
