"""Datasets at run time and the ops that make them, turn them into others and iterate over them."""
