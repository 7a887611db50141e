"""Finding what is sensitive in a text."""
