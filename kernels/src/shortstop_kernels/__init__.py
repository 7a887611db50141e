"""CPU modules for Shortstop's embedded engine, beside this file."""
