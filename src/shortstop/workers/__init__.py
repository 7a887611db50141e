"""What the workers of one machine share: engine addresses, slots, and what they learn."""
