"""The workshop: recorded traffic becomes tasks, tasks become specialists, by proof. Plain sync."""
