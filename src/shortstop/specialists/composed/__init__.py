"""JSON answers, field by field: each by a kind that learned it: constant, copied or a label."""
