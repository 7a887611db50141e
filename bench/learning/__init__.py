"""How good specialists are on open data: `python -m bench.learning SUBJECT... [--data DIR]`.

Everything is trained and calibrated by the product's own code, from train rows (or recorded real
traffic) alone; the open test splits, without what also stands in train, are only counted on.
"""
