"""What was asked before, word for word or nearly, and what was answered then."""
