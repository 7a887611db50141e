"""Choosing the examples of a prompt, and examining what the local model makes of them."""
