"""Offline examination: how good the router, the contract and privacy are. Never on the street."""
