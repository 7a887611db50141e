"""Scripts that rebuild committed data."""
