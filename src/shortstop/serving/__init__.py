"""Serving: ask the planned targets in order, look at the answers, hand one back."""
