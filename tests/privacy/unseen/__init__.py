"""Texts that no rule of the gateway was written against."""
