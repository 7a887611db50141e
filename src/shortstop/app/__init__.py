"""The composition root: the only place where concrete things are built and joined."""
