"""Stand-ins for real values, and the way back."""
