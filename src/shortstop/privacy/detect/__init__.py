"""What is sensitive in a text."""
