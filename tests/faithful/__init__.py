"""Odd answers and requests, played through a real gateway process against a real HTTP upstream."""
