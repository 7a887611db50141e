"""The way of a request: clear, route, serve, bill, record; and what learns from it."""
