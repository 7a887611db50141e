"""The Helm chart: what is made from it, and what is made for it. `make chart` does all."""
