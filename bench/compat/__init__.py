"""Real clients against a real gateway: `make compat`."""
