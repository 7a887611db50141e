"""Learning JSON answers field by field."""
