"""Closed outputs: one of the labels that the task's teacher gave."""
