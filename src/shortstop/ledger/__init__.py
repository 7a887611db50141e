"""Money, joules and carbon: pure arithmetic over what happened."""
