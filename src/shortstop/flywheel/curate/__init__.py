"""From recorded examples to a data set: cleaned, without doubles, split for good, accounted for."""
