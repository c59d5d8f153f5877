"""Heads: losses, predictions and metrics on top of a model's logits."""
