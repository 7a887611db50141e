"""Copying values out of a text."""
