"""A better prompt for the local model: vetted examples stand before the request."""
