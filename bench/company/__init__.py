"""The company day: simulated days of a company's requests, a night of learning after each."""
