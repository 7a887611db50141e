"""A LoRA adapter of the local model, for answers that must be written."""
