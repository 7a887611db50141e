"""Learning a label head."""
