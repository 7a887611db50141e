"""Other gateways, each in an environment of its own, outside the product's dependencies."""
