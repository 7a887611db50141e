"""Learning an answer bank."""
