"""What traffic consists of: tasks with names, the jobs inside them, what operators decided."""
