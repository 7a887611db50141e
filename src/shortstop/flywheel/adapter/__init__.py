"""Training a LoRA adapter of the local model, in a process of its own."""
