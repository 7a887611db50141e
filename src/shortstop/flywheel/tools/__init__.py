"""Learning which tool a request wants, and where its arguments stand."""
