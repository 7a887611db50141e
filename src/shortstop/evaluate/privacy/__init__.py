"""The examination of the guard: detection, tricks, round trips, tampering."""
