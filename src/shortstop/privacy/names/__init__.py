"""Reading names of people and places, before a request leaves."""
