"""Copying values out of a text: flat JSON whose values stand in the request."""
