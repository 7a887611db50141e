"""Learning to copy: values are found in the texts that they came from, and taggers trained."""
