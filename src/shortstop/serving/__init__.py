"""Serving: ask the planned targets in order, examine their answers, return one."""
