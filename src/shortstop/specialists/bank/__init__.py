"""Answers that are given again and again, word for word."""
