"""A night of learning: which tasks, in which order, what it remembers, what it promotes."""
